package server

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/secretfile"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

// lookEvery is how often a handshake checks whether the files have changed.
const lookEvery = time.Second

// certificate is a certificate and its key, read again when their files change, because
// programs that renew certificates expect this. While the two files do not match, the
// last matching pair is served.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	seen   [2]fs.FileInfo // of the pair
	looked time.Time
	logged time.Time
}

// tlsFiles are the flags that name a certificate and its key.
type tlsFiles struct {
	cert, key   string
	flag        string // the beginning of the flags' names
	source      *settings.Set
	certificate *certificate // once it is prepared; nil for none
}

func (t *tlsFiles) flags(f *settings.Set, prefix, purpose string) {
	t.source, t.flag = f, prefix+"tls"
	f.Text(&t.cert, t.flag+"-cert", "`FILE` of the certificate chain in PEM, "+purpose+", read again when it changes; default: HTTP")
	f.Text(&t.key, t.flag+"-key", "`FILE` of the certificate's key in PEM")
}

func (t *tlsFiles) on() bool { return t.cert != "" }

func (t *tlsFiles) prepare() (err error) {
	certFlag, keyFlag := "-"+t.flag+"-cert", "-"+t.flag+"-key"
	if (t.cert == "") != (t.key == "") {
		return settings.Usagef("%s and %s belong together", certFlag, keyFlag)
	}
	if !t.on() {
		return nil
	}
	if t.certificate, err = loadCertificate(t.cert, t.key); err != nil {
		return fmt.Errorf("%s and %s: %w", certFlag, keyFlag, err)
	}
	warning, err := secretfile.Check(t.key)
	if err != nil {
		return fmt.Errorf("%s: %w", keyFlag, err)
	}
	if warning != "" {
		t.source.Warn(keyFlag + ": " + warning)
	}
	return nil
}

func loadCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, logger: slog.New(slog.DiscardHandler)}
	return c, c.load()
}

// load reads the files. The caller holds the lock.
func (c *certificate) load() error {
	seen := c.stat() // taken before reading: a file that changes meanwhile is read again
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.pair, c.seen = &pair, seen
	return nil
}

func (c *certificate) stat() (seen [2]fs.FileInfo) {
	for i, path := range []string{c.certFile, c.keyFile} {
		seen[i], _ = os.Stat(path)
	}
	return seen
}

func same(a, b fs.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// get implements the GetCertificate of [tls.Config].
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if seen := c.stat(); !same(seen[0], c.seen[0]) || !same(seen[1], c.seen[1]) {
			c.renew(now)
		}
	}
	return c.pair, nil
}

// reload reads the files now, for SIGHUP.
func (c *certificate) reload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logged = time.Time{}
	c.renew(time.Now())
}

func (c *certificate) renew(now time.Time) {
	err := c.load()
	if err == nil {
		c.logger.Info("certificate read again", "file", c.certFile, "valid_until", c.pair.Leaf.NotAfter)
	} else if now.Sub(c.logged) >= time.Minute {
		c.logged = now
		c.logger.Error("certificate cannot be read again, the last one is served", "file", c.certFile, "error", err)
	}
}
