// Package strength estimates how many guesses a password withstands, as a score
// of 0 to 4.
//
// It works like zxcvbn (Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX
// Security 2016): it finds parts that an attacker would try (words, names, sequences,
// keyboard walks, dates, repetitions), and searches for the division of the password into
// parts that needs the fewest guesses.
//
// It is not a port, because the ports for Go judge bytes, know ASCII only, and unpack 18
// MB of lists when the program starts. This package counts characters. It folds a password
// (see [Fold]) and uses the lower of the estimates before and after folding. It knows
// alphabets, numerals and keyboards of many scripts, passwords typed on the wrong
// keyboard, letters that look like those of another script, and pinyin. The first estimate
// unpacks the lists, which takes about 20 ms and keeps 2.2 MB; nothing happens before.
//
// Unlike in zxcvbn, a sequence of l parts is not assumed to cost at least 10,000^(l-1)
// guesses, because three very common words in a row are not strong. The case of letters
// does not count.
//
// # Bound
//
// At most [MaxLength] characters are judged. A constant then bounds the work for all
// inputs, and the work stops as soon as the part that was read is strong enough: a random
// password costs the same at 20 characters and at 1,000.
// TestWorkIsBounded counts the work for inputs made to be slow.
//
// # Lists
//
// lists/english.gz holds the frequency lists of zxcvbn 4.4.2 (MIT licence, see
// lists/LICENSE.zxcvbn): leaked passwords, English words of Wikipedia and of
// films, and American names. The other lists were compiled for Rekey from published
// statistics of leaked passwords: for Chinese those of the leaks of
// 2011 to 2014 (CSDN, Tianya, 12306; Li, Han and Xu, "A Large-Scale Empirical
// Analysis of Chinese Web Passwords", USENIX Security 2014; the SecLists
// project's list of common Chinese passwords), for Russian those of the mail
// providers' leak of 2014 and of DLBI's yearly reports. For other languages they have the
// most common kinds: words for password, greetings, endearments, names, clubs and places.
package strength
