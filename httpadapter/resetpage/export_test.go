package resetpage

// ShippedTexts are the texts that the package comes with.
func ShippedTexts() Texts { return shippedTexts() }
