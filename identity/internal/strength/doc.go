// Package strength estimates how many guesses a password withstands, as a score
// of 0 to 4.
//
// It works in the manner of zxcvbn (Wheeler, "zxcvbn: Low-Budget Password
// Strength Estimation", USENIX Security 2016): it finds parts that an attacker
// would try (words, names, sequences, keyboard walks, dates, repetitions), and
// searches the division of the password into parts that needs the fewest guesses.
//
// It is not a port, because the ports for Go judge bytes, know ASCII only, and
// unpack 18 MB of lists when the program starts. This package counts characters.
// It folds a password first (see [Fold]) and counts the lesser of the estimates
// before and after. It knows alphabets, numerals and keyboards of many scripts,
// a password typed on the wrong keyboard, letters that look like those of another
// script, and pinyin. Nothing happens before the first estimate. The first one
// unpacks the lists, which takes some 20 ms; 1.2 MB stay.
//
// Unlike zxcvbn, a sequence of l parts is not taken to cost at least 10,000^(l-1)
// guesses: three of the commonest words in a row are not strong. The case of
// letters counts for nothing.
//
// # Bound
//
// At most [MaxLength] characters are looked at. The work is then bounded by a
// constant, whatever the characters are, and stops as soon as what was read is
// strong enough: a random password costs the same at 20 characters and at 1,000.
// TestWorkIsBounded counts the work for inputs made to be slow.
//
// # Lists
//
// lists/english.gz holds the frequency lists of zxcvbn 4.4.2 (MIT licence, see
// lists/LICENSE.zxcvbn): leaked passwords, English words of Wikipedia and of
// films, and American names. The other lists are our own compilation, after
// published statistics of leaked passwords: for Chinese those of the leaks of
// 2011 to 2014 (CSDN, Tianya, 12306; Li, Han and Xu, "A Large-Scale Empirical
// Analysis of Chinese Web Passwords", USENIX Security 2014; the SecLists
// project's list of common Chinese passwords), for Russian those of the mail
// providers' leak of 2014 and of DLBI's yearly reports. For other languages they
// have what such statistics show on top: words for password, greetings,
// endearments, names, clubs and places.
package strength
