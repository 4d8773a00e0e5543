package vonage

import "strings"

// gsm are the characters of the GSM 7-bit default alphabet and its extension
// table, 3GPP TS 23.038 sections 6.2.1 and 6.2.1.1, without escape and form feed.
const gsm = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà" +
	"^{}\\[~]|€"

func isGSM(text string) bool {
	for _, r := range text {
		if !strings.ContainsRune(gsm, r) {
			return false
		}
	}
	return true
}
