package engines_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/bunstore"
)

// A page of a list is read in the order of ids. If each page sorted a tenant's users,
// the whole tenant would be read once for each page.
func TestListOfUsersNeedsNoSort(t *testing.T) {
	t.Parallel()
	sorts := regexp.MustCompile(`TEMP B-TREE|\bSort\b|filesort`)
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		watch := &spy{}
		s := migrated(t, watch.wrap(t, db))
		tx, err := db.DB.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		joined := s.WithTx(tx)
		for i := range 2000 {
			if err := joined.CreateUser(t.Context(), identity.User{ID: fmt.Sprintf("user-%04d", i), Mobile: fmt.Sprintf("+861380000%04d", i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if db.Dialect().Name() == dialect.PG { // which it does by itself some time later
			if _, err := db.DB.ExecContext(t.Context(), "ANALYZE rekey_users"); err != nil {
				t.Fatal(err)
			}
		}
		calls := watch.during(func() {
			for _, after := range []string{"", "user-0099", "user-1899"} {
				if users, err := s.ListUsers(t.Context(), "", after, 100); err != nil || len(users) != 100 {
					t.Errorf("after %q: %d users, %v", after, len(users), err)
				}
			}
		})
		seen := 0
		for _, c := range calls {
			if c.query == "" || c.kind == "begin" || c.kind == "commit" {
				continue
			}
			seen++
			if plan, _ := explain(t, db, c); sorts.MatchString(plan) {
				t.Errorf("%s %v\nsorts:\n%s", c.query, c.args, plan)
			}
		}
		if seen < 3 {
			t.Errorf("only %d statements seen", seen)
		}
	})
}

// The pages of a table with integer ids contain every user once: 10 comes after 9. This
// also holds if the id's column has the name under which its text is selected.
func TestListOfIntegerIDs(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, fresh func(testing.TB) *bun.DB) {
		db := fresh(t)
		if _, err := db.DB.ExecContext(t.Context(), "CREATE TABLE people (id BIGINT PRIMARY KEY, phone VARCHAR(20) UNIQUE, secret VARCHAR(255), changed BIGINT)"); err != nil {
			t.Fatal(err)
		}
		s, err := bunstore.New(db, bunstore.WithUsers(bunstore.UsersTable{
			Table: "people", ID: "id", IDType: bunstore.IDInteger, Mobile: "phone", PasswordHash: "secret", PasswordChangedAt: "changed", EveryNumberIsVerified: true,
		}))
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for i := 1; i <= 25; i++ {
			want = append(want, strconv.Itoa(i))
			if err := s.CreateUser(t.Context(), identity.User{ID: strconv.Itoa(i), Mobile: fmt.Sprintf("+861380000%04d", i)}); err != nil {
				t.Fatal(err)
			}
		}
		for after := ""; len(got) < 100; after = got[len(got)-1] {
			users, err := s.ListUsers(t.Context(), "", after, 4)
			if err != nil {
				t.Fatal(err)
			}
			if len(users) == 0 {
				break
			}
			for _, u := range users {
				got = append(got, u.ID)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("the pages hold %v", got)
		}
	})
}
