// Package mobile reads telephone numbers as people write them, and gives each
// telephone one identity.
//
// # What is read
//
// Format characters (Unicode category Cf) are dropped: contact lists put them
// around numbers. Spaces of every kind, dashes of every kind, dots, parentheses
// and slashes mean nothing. Decimal digits of any script count by their value.
// One plus sign may stand before the first digit. Anything else, letters and
// extensions included, makes the input no number.
//
// A number without a country code belongs to the region of the [Parser]. The
// region's own international prefix, such as 00, stands for the plus sign.
//
// # What is accepted
//
// A number need not be assigned, it must be possible: have a length that the
// numbers of its country have. Its region must be served. An area of a shared
// country code such as +1 that belongs to a region counts for that region alone;
// an area that the library's number plan does not know yet counts for the served
// region with that country code, the main one first. Premium-rate, shared-cost
// and toll-free numbers are refused: they get no text messages, or ones that cost.
//
// # One telephone, one number
//
//   - Argentina: mobile numbers have a 9 after +54, or a 15 after the area code, or
//     neither. All become +54 9 and ten digits, which is what reaches a mobile.
//   - Mexico: the 1 after +52, and the prefixes 01, 044 and 045, ended in 2019.
//     They are dropped.
//   - A country code without plus sign: where the digits may also be a number
//     without country code, as 4915112345678 in Germany may, the reading that is a
//     mobile number counts. If both are, or neither is, the number is refused as
//     ambiguous. A country code written twice, as in +49 49 151 12345678, is refused.
//
// Brazil's ninth digit, Italy's leading zero and the longer numbers that Ivory
// Coast and Benin introduced are part of the number: the number without them may
// be somebody else's.
package mobile
