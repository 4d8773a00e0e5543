package secretfile

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Make writes a random secret of 32 bytes, in base64, to a new file of mode 0600. The
// file is complete or does not exist. An existing file stays as it is: if several
// processes start at the same time, one of them makes the file and all read it.
func Make(path string) error {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	// O_EXCL and mode 0600:
	temp, err := os.CreateTemp(filepath.Dir(path), ".rekey-secret-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.WriteString(base64.StdEncoding.EncodeToString(random) + "\n")
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	// Only one link can have the name, and it always leads to a complete file.
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("secret file %s cannot be made here, make one of mode 0600 with at least 32 random characters: %w", path, err)
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync() // not every file system supports links
		_ = dir.Close()
	}
	return nil
}
