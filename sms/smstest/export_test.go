package smstest

// CheckImpatiently is Check for senders that are known to hang.
var CheckImpatiently = check
