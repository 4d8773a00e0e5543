// Package mobile reads telephone numbers as people write them, and gives each
// telephone one identity.
//
// # What is read
//
// Format characters (Unicode category Cf), which contact lists put around numbers, are
// removed. Spaces and dashes of every kind, dots, parentheses and slashes are ignored.
// Decimal digits of any script count by their value. One plus sign may precede the first
// digit. An input with any other character, such as a letter or an extension, is not a
// number.
//
// A number without a country code belongs to the region of the [Parser]. The region's own
// international prefix, such as 00, means the same as the plus sign.
//
// # What is accepted
//
// A number need not be assigned, but must be possible: its length must be one that the
// numbers of its country have. Its region must be served. Where regions share a country
// code, such as +1, an area of one region counts for that region only. An area that the
// library's number plan does not know counts for the served region with that country code,
// the main one first. Premium-rate, shared-cost and toll-free numbers are refused, because
// they receive no text messages, or expensive ones.
//
// # One telephone, one number
//
//   - Argentina: mobile numbers have a 9 after +54, or a 15 after the area code, or
//     neither. All become +54 9 and ten digits, which is what reaches a mobile.
//   - Mexico: the 1 after +52, and the prefixes 01, 044 and 045, ended in 2019.
//     They are dropped.
//   - A country code without plus sign: if the digits may also be a number without
//     country code, as 4915112345678 in Germany, the reading that is a mobile number
//     counts. If both readings are mobile numbers, or neither is, the number is refused
//     as ambiguous. A country code written twice, as in +49 49 151 12345678, is refused.
//
// Brazil's ninth digit, Italy's leading zero and the longer numbers that Ivory Coast and
// Benin introduced are part of the number: without them it may be another person's number.
package mobile
