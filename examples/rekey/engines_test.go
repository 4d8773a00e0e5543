package main_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// databaseServer is a real database server for tests. fresh makes a new database there
// and returns its address with a password, and the password.
type databaseServer struct {
	name, variable, example string
	fresh                   func(t *testing.T, dsn string) (address, password string)
}

var databaseServers = []databaseServer{
	{"postgres", "REKEY_TEST_POSTGRES", "postgres://user:password@127.0.0.1:5432/database", freshPostgres},
	{"mysql", "REKEY_TEST_MYSQL", "user:password@tcp(127.0.0.1:3306)/database", freshMySQL},
}

// onEachServer runs a test on the servers that the environment names.
func onEachServer(t *testing.T, test func(t *testing.T, address, password string)) {
	t.Parallel()
	for _, s := range databaseServers {
		t.Run(s.name, func(t *testing.T) {
			dsn := os.Getenv(s.variable)
			if dsn == "" {
				t.Skipf("to run it, set %s to a server that may create databases, such as %s", s.variable, s.example)
			}
			t.Parallel()
			address, password := s.fresh(t, dsn)
			test(t, address, password)
		})
	}
}

// create makes a database that goes with the test.
func create(t *testing.T, driver, dsn string) (name string) {
	t.Helper()
	name = "rekey_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	admin, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	statement := func(ctx context.Context, text string) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := admin.ExecContext(ctx, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	statement(t.Context(), "CREATE DATABASE "+name)
	t.Cleanup(func() {
		statement(context.Background(), "DROP DATABASE "+name)
		_ = admin.Close()
	})
	return name
}

func freshPostgres(t *testing.T, dsn string) (address, password string) {
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + create(t, "pgx", dsn)
	password, _ = u.User.Password()
	return u.String(), password
}

func freshMySQL(t *testing.T, dsn string) (address, password string) {
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "mysql", User: url.UserPassword(c.User, c.Passwd), Host: c.Addr, Path: "/" + create(t, "mysql", dsn)}
	return u.String(), c.Passwd
}

// Two servers share one database: a code requested at one is redeemed at the other, and
// each message is sent by one of them.
func TestServersShareAnEngine(t *testing.T) {
	onEachServer(t, func(t *testing.T, address, password string) {
		dir := t.TempDir()
		env := append(webhookEnv(), "REKEY_DB="+address, "REKEY_SECRET="+strings.Repeat("k", 40))
		must := func(stdin string, args ...string) string {
			t.Helper()
			r := runEnv(t, dir, env, stdin, args...)
			if r.code != 0 {
				t.Fatalf("%v: exit status %d: %s", args, r.code, r.err)
			}
			return r.out
		}
		if r := runEnv(t, dir, env, "", "events"); r.code != 1 || !strings.Contains(r.err, `schema behind: missing 0001_tables`) || !strings.Contains(r.err, `"rekey migrate"`) {
			t.Errorf("events before the migrations: exit status %d, %q", r.code, r.err)
		}
		if r := runEnv(t, dir, env, "", "client", "add", "-id", clientID, "-migrate=false"); r.code != 1 || !strings.Contains(r.err, "schema behind") {
			t.Errorf("-migrate=false: exit status %d, %q", r.code, r.err)
		}
		if out := must("", "migrate", "-show"); !strings.HasPrefix(out, "0001_tables  pending\n") {
			t.Errorf("migrate -show said %q", out)
		}
		if out := must("", "migrate", "-sql"); !strings.Contains(out, "CREATE TABLE IF NOT EXISTS rekey_users") {
			t.Errorf("migrate -sql said %q", out)
		}
		if out := must("", "migrate"); !strings.HasPrefix(out, "0001_tables  applied now\n") {
			t.Errorf("migrate said %q", out)
		}
		if out := must("", "migrate"); !strings.HasPrefix(out, "0001_tables  applied\n") || strings.Contains(out, "now") {
			t.Errorf("migrate said %q", out)
		}
		if out := must("", "migrate", "-sql"); out != "" {
			t.Errorf("migrate -sql said %q", out)
		}
		must("", "client", "add", "-id", clientID)
		must(oldPassword, "user", "add", "-mobile", mobile)

		phone := newReceiver(t)
		one := start(t, dir, env, "-sms", "webhook="+phone.URL)
		two := start(t, dir, env, "-sms", "webhook="+phone.URL, "-migrate=false")
		mustPost(t, one.addr, sendPath, sendBody)
		code := phone.next(t).Params["code"]
		mustPost(t, two.addr, resetPath, resetBody(code, newPassword))
		if status, _ := exchange(t, one.addr, resetPath, resetBody(code, "granite-Willow-58")); status != 400 {
			t.Errorf("the code again, at the other server: %d", status)
		}
		phone.next(t) // the notice
		must(newPassword, "user", "check", "-mobile", mobile)
		for _, s := range []*process{one, two} {
			s.terminate(t)
			if code := s.wait(t); code != 0 {
				t.Errorf("serve: exit status %d: %s", code, s.logs)
			}
			if strings.Contains(s.logs.String(), ":"+password+"@") {
				t.Errorf("the log shows the password: %s", s.logs)
			}
			u, _ := url.Parse(address)
			if want := u.Scheme + "://" + u.Host + u.Path; s.line["db"] != want {
				t.Errorf("the log says db %v, want %s", s.line["db"], want)
			}
		}
		var states []string
		for _, m := range jsonLines(t, must("", "messages")) {
			states = append(states, m["state"].(string))
		}
		if want := []string{"delivered", "delivered"}; !slices.Equal(states, want) || len(phone.messages) > 0 {
			t.Errorf("messages %v, want %v; %d more arrived", states, want, len(phone.messages))
		}
		if files := names(t, dir); len(files) > 0 {
			t.Errorf("left %v behind", files)
		}
	})
}

// These are the possible faults in a server's address. No error shows the password.
func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	secret := "REKEY_SECRET=" + strings.Repeat("k", 40)
	for name, test := range map[string]struct {
		args string
		env  []string
		code int
		says string
	}{
		"unknown scheme":     {"-db oracle://u:hunter2@host/db", []string{secret}, 2, "postgres://… or mysql://…"},
		"password, argument": {"-db postgres://u:hunter2@127.0.0.1:1/db", []string{secret}, 2, "every process of this machine can read: give the address in REKEY_DB"},
		"in the parameters":  {"-db postgres://u@127.0.0.1:1/db?password=hunter2", []string{secret}, 2, "every process"},
		"MySQL, argument":    {"-db mysql://u:hunter2@127.0.0.1:1/db", []string{secret}, 2, "every process"},
		"no URL":             {"-db mysql://u:hunter2@127.0.0.1:port/db", []string{secret}, 2, "every process"},
		"no secret":          {"-db postgres://u@127.0.0.1:1/db", nil, 2, "the secret that all servers on this database share"},
		"no such secret":     {"-db postgres://u@127.0.0.1:1/db -secret-file gone", nil, 1, "secret file gone"},
		"no server there":    {"-db postgres://u@127.0.0.1:1/db", []string{secret}, 1, "database postgres://127.0.0.1:1/db: "},
		"no MySQL there":     {"-db mysql://u@127.0.0.1:1/db", []string{secret}, 1, "database mysql://127.0.0.1:1/db: "},
		"no nodes there":     {"-db mysql://u@127.0.0.1:1,127.0.0.1:2/db", []string{secret}, 1, "none of 2 nodes is usable"},
		"an empty node":      {"-db mysql://u@127.0.0.1:1,,127.0.0.1:2/db", []string{secret}, 2, "mysql://user@host:3306/database"},
		"a bad node":         {"-db mysql://u@127.0.0.1:p,127.0.0.1:2/db", []string{secret}, 2, "mysql://user@host:3306/database"},
		"no servers there":   {"-db postgres://u@127.0.0.1:1,127.0.0.1:2/db", []string{secret}, 1, "database postgres://127.0.0.1:1,127.0.0.1:2/db: "},
		"no database named":  {"-db mysql://u@127.0.0.1:1", []string{secret}, 2, "mysql://user@host:3306/database"},
		"bad address":        {"", []string{secret, "REKEY_DB=postgres://u:hunter2@127.0.0.1:port/db"}, 2, "-db is not an address"},
		"bad MySQL address":  {"", []string{secret, "REKEY_DB=mysql://u:hunter2@127.0.0.1:port/db"}, 2, "-db is not an address"},
		"bad parameter":      {"-db mysql://u@127.0.0.1:1/db?parseTime=hunter2", []string{secret}, 2, "parameters that the MySQL driver does not take"},
		"bad TLS":            {"-db mysql://u@127.0.0.1:1/db?tls=hunter2", []string{secret}, 2, "parameters that the MySQL driver does not take"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := runEnv(t, dir, test.env, "", append([]string{"client", "add", "-id", "x"}, strings.Fields(test.args)...)...)
			if r.code != test.code || !strings.Contains(r.err, test.says) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("exit status %d, %q; want %d and %q", r.code, r.err, test.code, test.says)
			}
			if strings.Contains(r.err, "hunter2") {
				t.Errorf("%q shows the password", r.err)
			}
			if files := names(t, dir); len(files) > 0 {
				t.Errorf("left %v behind", files)
			}
		})
	}
}

// The error tells a wrong password from a wrong address, and does not repeat the
// password.
func TestWrongDatabasePassword(t *testing.T) {
	onEachServer(t, func(t *testing.T, address, password string) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(u.User.Username(), "hunter2")
		r := runEnv(t, t.TempDir(), []string{"REKEY_DB=" + u.String()}, "", "events")
		if r.code != 1 || strings.Contains(r.err, "hunter2") || strings.Count(r.err, "\n") != 1 || !strings.Contains(r.err, u.User.Username()) {
			t.Errorf("exit status %d, %q", r.code, r.err)
		}
	})
}

// loadUsers are the numbers that load resets in turn.
const loadUsers = 3

func loadMobile(user int) string { return fmt.Sprintf("1390000000%d", user) }

// loadPassword is the password of a user after the n-th reset, 0 for the first one.
func loadPassword(user, n int) string { return fmt.Sprintf("violet-Harbor-%d-%d", user, n) }

// load resets passwords in turn until stop is closed, and counts resets.
func load(t *testing.T, addr string, phone *receiver, stop <-chan struct{}) (resets int) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return i
		default:
		}
		user, n := i%loadUsers, i/loadUsers+1
		send := fmt.Sprintf(`{"mobile":"%s","type":"FORGET_PWD_SMS"}`, loadMobile(user))
		if status, answer := exchange(t, addr, sendPath, send); status != 200 {
			t.Errorf("send: %d %s", status, answer)
			return i
		}
		code := ""
		for code == "" {
			select {
			case m := <-phone.messages:
				code = m.Params["code"] // a notice has none
			case <-time.After(patience):
				t.Error("no code came")
				return i
			}
		}
		reset := fmt.Sprintf(`{"mobile":"%s","verify_code":"%s","password":"%s"}`, loadMobile(user), code, loadPassword(user, n))
		if status, answer := exchange(t, addr, resetPath, reset); status != 200 {
			t.Errorf("reset: %d %s", status, answer)
			return i
		}
	}
}

// loadEnv lifts the limits that load would meet.
func loadEnv() []string {
	return append(webhookEnv(), "REKEY_SEND_COOLDOWN=0", "REKEY_SENDS_PER_NUMBER=100000/1h", "REKEY_SENDS_PER_ADDRESS=100000/1h")
}

// consistent checks a restored database: the password of each user is the one after as
// many resets as the audit trail has, and a server works on the database.
func consistent(t *testing.T, dir string, env []string) (resets int) {
	t.Helper()
	r := runEnv(t, dir, env, "", "events")
	if r.code != 0 {
		t.Fatalf("events: %s", r.err)
	}
	of := map[string]int{}
	for _, e := range jsonLines(t, r.out) {
		if e["type"] == "password.reset" {
			of[fmt.Sprint(e["mobile"])]++
			resets++
		}
	}
	for user := range loadUsers {
		masked := ""
		for m := range of {
			if strings.HasSuffix(m, loadMobile(user)[len(loadMobile(user))-1:]) {
				masked = m
			}
		}
		if r := runEnv(t, dir, env, loadPassword(user, of[masked]), "user", "check", "-mobile", loadMobile(user)); r.code != 0 {
			t.Errorf("user %d after %d resets: %s", user, of[masked], r.err)
		}
	}
	return resets
}
