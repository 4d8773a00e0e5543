package resetpage

// ShippedTexts are the built-in texts of the package.
func ShippedTexts() Texts { return shippedTexts() }
