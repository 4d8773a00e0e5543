package sqlite

// CreateInPlace exposes the way of creating a file where hard links are not supported.
var CreateInPlace = createInPlace
