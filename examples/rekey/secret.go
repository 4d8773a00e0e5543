package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/seed-16109ab2/rekey/identity"
)

const (
	secretVariable = "REKEY_SECRET"
	minSecret      = 32 // bytes, as identity.Config.Secret
	maxSecret      = 4096
)

// secrets says where the secret comes from.
type secrets struct {
	file string
	old  []string
}

func (s *secrets) flags(f *flags) {
	f.StringVar(&s.file, "secret-file", "", "`FILE` of the secret, mode 0600, made with a random one if there is none and the database is a file; default: the database's path and \".secret\"; "+
		"instead of it the environment may hold the secret itself in "+secretVariable)
	list(f, &s.old, "old-secret-file", parseWord, "`FILES` of earlier secrets, comma-separated: codes and messages made with one stay good")
}

// check returns the configuration's secrets as far as they exist, and the file
// that must be made if it does not.
//
// A file beside the database is made, and found again. Of a database that other
// machines use too, one that is made on each of them would be another each time.
func (s *secrets) check(db string, onFile bool) (secret identity.Secret, old []identity.Secret, missing string, err error) {
	for _, path := range s.old {
		o, err := readSecret(path)
		if err != nil {
			return secret, nil, "", fmt.Errorf("old secret: %w", err)
		}
		old = append(old, o)
	}
	if text := os.Getenv(secretVariable); text != "" {
		if s.file != "" {
			return secret, nil, "", usagef("both %s and -secret-file are set, give one of them", secretVariable)
		}
		secret, err = parseSecret(text)
		if err != nil {
			err = fmt.Errorf("%s %w", secretVariable, err)
		}
		return secret, old, "", err
	}
	if !onFile && s.file == "" {
		return secret, nil, "", usagef("give the secret that all servers on this database share, in %s or -secret-file", secretVariable)
	}
	path := s.fileFor(db)
	secret, err = readSecret(path)
	if errors.Is(err, fs.ErrNotExist) && onFile {
		return secret, old, path, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("secret file %s does not exist: make one, the same for all servers on this database", path)
	}
	return secret, old, "", err
}

func (s *secrets) fileFor(db string) string {
	if s.file != "" {
		return s.file
	}
	return db + ".secret"
}

// place says where the secret is, for the log.
func (s *secrets) place(db string) string {
	if os.Getenv(secretVariable) != "" {
		return "environment " + secretVariable
	}
	return s.fileFor(db)
}

// makeSecret writes a random secret to a new file, complete or not at all, and
// returns what the file holds. Of several processes that start at once one makes
// it and all get that one: a name can be linked once, and never to half a file.
func makeSecret(path string) (identity.Secret, error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	// O_EXCL and mode 0600:
	temp, err := os.CreateTemp(filepath.Dir(path), ".rekey-secret-*")
	if err != nil {
		return identity.Secret{}, err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.WriteString(base64.StdEncoding.EncodeToString(random) + "\n")
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return identity.Secret{}, err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return identity.Secret{}, fmt.Errorf("secret file %s cannot be made here, make one of mode 0600 with at least %d random characters: %w", path, minSecret, err)
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync() // not every file system can
		_ = dir.Close()
	}
	return readSecret(path)
}

// readSecret refuses a file that others may read: whoever has the secret and a
// copy of the database can find live codes.
func readSecret(path string) (identity.Secret, error) {
	text, err := readPrivate(path)
	if err != nil {
		return identity.Secret{}, err
	}
	secret, err := parseSecret(text)
	if err != nil {
		return identity.Secret{}, fmt.Errorf("secret file %s %w", path, err)
	}
	return secret, nil
}

// parseSecret leaves out outer white space, so that a secret is the same in a
// file and in the environment.
func parseSecret(text string) (identity.Secret, error) {
	text = strings.TrimSpace(text)
	if len(text) < minSecret {
		return identity.Secret{}, fmt.Errorf("holds a secret of %d bytes, it must have at least %d", len(text), minSecret)
	}
	return identity.NewSecret(text), nil
}

func readPrivate(path string) (string, error) {
	if info, err := os.Stat(path); err != nil {
		return "", err
	} else if !info.Mode().IsRegular() { // opening a pipe would wait for a writer
		return "", fmt.Errorf("secret file %s is not a file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" { // which has no such bits
		return "", fmt.Errorf("secret file %s has mode %04o, others may use it: give it mode 0600, and a new secret if others had access", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxSecret {
		return "", fmt.Errorf("secret file %s is larger than %d bytes", path, maxSecret)
	}
	return string(text), nil
}
