package smstest

// CheckImpatiently is Check with shorter waits, for senders that are known to hang.
var CheckImpatiently = check
