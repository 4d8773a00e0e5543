package database

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/seed-16109ab2/rekey/examples/rekey/internal/secretfile"
	"github.com/seed-16109ab2/rekey/examples/rekey/internal/settings"
	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/observe"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// usersTable is the content of the file of -users-table, see [bunstore.UsersTable].
type usersTable struct {
	Table                 string `json:"table"`
	ID                    string `json:"id"`
	IDType                string `json:"id_type"`
	Mobile                string `json:"mobile"`
	National              string `json:"national"`
	PasswordHash          string `json:"password_hash"`
	HashLength            int    `json:"hash_length"`
	Tenant                string `json:"tenant"`
	VerifiedAt            string `json:"verified_at"`
	EveryNumberIsVerified bool   `json:"every_number_is_verified"`
	PasswordChangedAt     string `json:"password_changed_at"`
	Disabled              string `json:"disabled"`
	CreatedAt             string `json:"created_at"`
	Times                 string `json:"times"`
	Where                 string `json:"where"`
}

// The values that fields of the file may have.
var (
	idTypes   = map[string]bunstore.IDType{"": bunstore.IDText, "text": bunstore.IDText, "integer": bunstore.IDInteger, "uuid": bunstore.IDUUID}
	timeTypes = map[string]bunstore.TimeType{"": bunstore.TimeMillis, "millis": bunstore.TimeMillis, "timestamp": bunstore.TimeTimestamp, "utc": bunstore.TimeUTC}
)

// fieldNames translates bunstore's field names in a fault into those of the file.
var fieldNames = strings.NewReplacer(
	"bunstore: users table: ", "", "bunstore: ", "", "EveryNumberIsVerified", "every_number_is_verified", "PasswordChangedAt", "password_changed_at",
	"PasswordHash", "password_hash", "HashLength", "hash_length", "VerifiedAt", "verified_at", "CreatedAt", "created_at", "IDType", "id_type",
	"Spelling", "national", "Disabled", "disabled", "Tenant", "tenant", "Mobile", "mobile", "Times", "times", "Where", "where", "Table", "table", "ID", "id", "\n", "; ")

func (d *Database) usersTableFlag(f *settings.Set) {
	f.Text(&d.users, "users-table", "`FILE`, JSON, that names the columns of your own table of users in the database, see README.md; give it to all commands. Default: Rekey's own table")
}

// options returns the options of the store: your own table of users, and the function
// that is called for retries.
func (d *Database) options() (options []bunstore.Option, err error) {
	if d.users != "" {
		t, err := readUsersTable(d.users)
		if err != nil {
			return nil, err
		}
		options = append(options, bunstore.WithUsers(t))
	}
	if d.observer != nil {
		options = append(options, bunstore.WithOnRetry(func(ctx context.Context, why bunstore.Retry) {
			d.observer.Observe(ctx, observe.Observation{Kind: observe.KindRetry, Outcome: string(why)})
		}))
	}
	return options, nil
}

// Fits returns a function that says why a user cannot be stored in the table of users,
// as far as the table's description shows that.
func (d *Database) Fits() (func(identity.User) error, error) {
	if d.users == "" {
		return func(identity.User) error { return nil }, nil
	}
	t, err := readUsersTable(d.users)
	return func(u identity.User) error {
		if t.Tenant == "" && u.Tenant != "" {
			return errors.New("your table of users has no column for the tenant")
		}
		if _, err := strconv.ParseInt(u.ID, 10, 64); t.IDType == bunstore.IDInteger && err != nil {
			return errors.New("your table of users has integer ids, so the column id must hold one")
		}
		return nil
	}, err
}

func readUsersTable(path string) (bunstore.UsersTable, error) {
	// The file contains a condition in SQL, so its writers can run any SQL.
	if _, err := secretfile.Check(path); err != nil {
		return bunstore.UsersTable{}, fmt.Errorf("-users-table: %w", err)
	}
	text, err := secretfile.ReadPublic(path)
	if err != nil {
		return bunstore.UsersTable{}, fmt.Errorf("-users-table: %w", err)
	}
	fault := func(format string, args ...any) (bunstore.UsersTable, error) {
		return bunstore.UsersTable{}, settings.Usagef("-users-table "+path+": "+format, args...)
	}
	var file usersTable
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields() // otherwise a misspelt column would count as a missing one
	if err := decoder.Decode(&file); err != nil {
		return fault("%w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fault("there is text after the JSON object")
	}
	idType, ok := idTypes[file.IDType]
	if !ok {
		return fault("id_type must be text, integer or uuid")
	}
	times, ok := timeTypes[file.Times]
	if !ok {
		return fault("times must be millis, timestamp or utc")
	}
	t := bunstore.UsersTable{
		Table: file.Table, ID: file.ID, IDType: idType, Mobile: file.Mobile, PasswordHash: file.PasswordHash, HashLength: file.HashLength,
		Tenant: file.Tenant, VerifiedAt: file.VerifiedAt, EveryNumberIsVerified: file.EveryNumberIsVerified,
		PasswordChangedAt: file.PasswordChangedAt, Disabled: file.Disabled, CreatedAt: file.CreatedAt, Times: times, Where: file.Where,
	}
	if file.National != "" {
		t.Spelling = bunstore.National(file.National)
	}
	// The option checks the table's description when it is made.
	if err := bunstore.WithUsers(t)(&bunstore.Store{}); err != nil {
		return fault("%s", fieldNames.Replace(err.Error()))
	}
	return t, nil
}
