package sqlite

// CreateInPlace exposes how a file is made where there are no hard links.
var CreateInPlace = createInPlace
