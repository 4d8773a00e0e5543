package sns

var Authorize = authorize
