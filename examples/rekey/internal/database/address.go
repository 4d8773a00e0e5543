package database

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
)

// engine is the engine of a database.
type engine string

const (
	engineSQLite   engine = "sqlite"
	enginePostgres engine = "postgres"
	engineMySQL    engine = "mysql"
)

// beginsWithScheme matches what looks like an address, such as "sqlite:r.db". A
// drive of Windows has one letter.
var beginsWithScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`)

// engineOf returns the engine of an address. It refuses a path that looks like an
// address of another program, or that contains characters of a shell: serve would
// otherwise make a new, empty database of that name.
func engineOf(db string) (engine, error) {
	scheme, _, found := strings.Cut(db, "://")
	switch {
	case found && (scheme == "postgres" || scheme == "postgresql"):
		return enginePostgres, nil
	case found && (scheme == "mysql" || scheme == "mariadb"):
		return engineMySQL, nil
	case found || beginsWithScheme.MatchString(db):
		return "", settings.Usagef("-db must be the path of a file, postgres://… or mysql://…; for a file, give only the path")
	}
	return engineSQLite, checkPath(db)
}

func checkPath(path string) error {
	switch {
	case strings.ContainsFunc(path, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return settings.Usagef("-db contains an invisible character: give only the path of the file")
	case strings.ContainsAny(path, "?="):
		return settings.Usagef("-db %q has parameters, which the path of a file cannot have", path)
	case strings.ContainsAny(path, `"'`+"`"):
		return settings.Usagef("-db %q has quotation marks: write the path without them", path)
	case path != strings.TrimSpace(path):
		return settings.Usagef("-db %q begins or ends with white space", path)
	case strings.HasPrefix(path, ":") || strings.HasSuffix(path, "/"):
		return settings.Usagef("-db %q is not the path of a file", path)
	}
	return nil
}

// Displayed returns an address without user, password and parameters.
func Displayed(db string) string {
	if e, err := engineOf(db); err == nil && e == engineSQLite {
		return db
	}
	u, err := url.Parse(db)
	if err != nil {
		return "of -db"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// hasPassword reports whether an address contains a password, in any form.
func hasPassword(db string) bool {
	u, err := url.Parse(db)
	if err != nil {
		return strings.Contains(db, "://")
	}
	if _, ok := u.User.Password(); ok {
		return true
	}
	for name := range u.Query() {
		if strings.Contains(strings.ToLower(name), "password") {
			return true
		}
	}
	return false
}

// target follows symbolic links to their file, which need not exist.
func target(path string) string {
	for range 40 { // as many as Linux follows
		link, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return path
}
