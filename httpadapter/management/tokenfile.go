package management

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
)

// TokenSource returns the tokens that are valid now. It is safe for concurrent use.
type TokenSource interface {
	// Tokens is called for every request, so it must return quickly. The caller does not
	// modify the result. If Tokens returns an error, the request is refused.
	Tokens() ([]Token, error)
}

// Tokens is a fixed list of tokens.
type Tokens []Token

// Tokens implements [TokenSource].
func (t Tokens) Tokens() ([]Token, error) { return t, nil }

// maxTokenFile is in bytes, enough for thousands of lines.
const maxTokenFile = 1 << 20

// tokenFile reads its file at every call, so it misses no change, even if the file
// system records the same time. It parses the file only if its content has changed.
type tokenFile struct {
	path string

	mu     sync.Mutex
	text   []byte
	tokens []Token
}

// TokenFile returns the tokens of a file, one line each as [Token.Line] writes it.
// The file is read at every request. Replace it by renaming another file over it, so
// that no request meets half of it.
//
// Errors, now and at every request: a file that cannot be read, is larger than 1 MiB,
// has a faulty line, or can be written by the group or by others, who could give
// themselves a token.
func TokenFile(path string) (TokenSource, error) {
	f := &tokenFile{path: path}
	_, err := f.Tokens()
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Tokens implements [TokenSource].
func (f *tokenFile) Tokens() ([]Token, error) {
	text, err := f.read()
	if err != nil {
		return nil, fmt.Errorf("management: token file: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.text != nil && bytes.Equal(text, f.text) {
		return f.tokens, nil
	}
	tokens, err := ParseTokens(string(text))
	if err != nil {
		return nil, fmt.Errorf("management: token file %s: %w", f.path, err)
	}
	f.text, f.tokens = text, tokens
	return tokens, nil
}

func (f *tokenFile) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", f.path)
	}
	// Windows has no such mode bits: Go reports 0666 for every file that can be written.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s can be written by users other than its owner (mode %04o): use chmod 600", f.path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxTokenFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", f.path, maxTokenFile)
	}
	return text, nil
}
