//go:build ignore

// Pack writes lists/english.gz from src/frequency_lists.coffee of zxcvbn 4.4.2.
//
//	go run pack.go frequency_lists.coffee
//
// A line of the result is a word, and one capital letter for its rank: A for 1,
// B for up to 2, C for up to 4, and so on by powers of two.
package main

import (
	"bytes"
	"compress/gzip"
	"log"
	"maps"
	"math/bits"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	source, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	ranks := map[string]int{}
	for _, list := range regexp.MustCompile(`(?m)^  \w+: (?:"([^"]*)"|'([^']*)')\.split`).FindAllStringSubmatch(string(source), -1) {
		for i, word := range strings.Split(list[1]+list[2], ",") {
			if len(word) < 2 || strings.ToLower(word) != word || strings.ContainsAny(word, "\r\n") {
				continue
			}
			if r, ok := ranks[word]; !ok || i+1 < r {
				ranks[word] = i + 1
			}
		}
	}
	var out bytes.Buffer
	for _, word := range slices.Sorted(maps.Keys(ranks)) {
		out.WriteString(word)
		out.WriteByte('A' + byte(bits.Len(uint(ranks[word]-1))))
	}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = w.Write(out.Bytes())
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("lists/english.gz", packed.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("%d words, %d bytes, packed %d", len(ranks), out.Len(), packed.Len())
}
