package vonage

// Signature is signature, for the tests.
var Signature = signature
