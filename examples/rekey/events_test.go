package main_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/identity/audit"
	"github.com/seed-16109ab2/rekey/storage/sqlite"
)

// openStore opens the database of dir, and makes it if there is none.
func openStore(t *testing.T, dir string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), dir+"/rekey.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// userOf returns a user without a password, to be stored.
func userOf(id, mobile string) identity.User {
	now := time.Now()
	return identity.User{ID: id, Mobile: mobile, VerifiedAt: now, PasswordChangedAt: now, CreatedAt: now}
}

func eventIDs(t *testing.T, out string) (ids string) {
	t.Helper()
	for _, e := range jsonLines(t, out) {
		ids += e["id"].(string) + " "
	}
	return strings.TrimSpace(ids)
}

func TestEventFilters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := openStore(t, dir)
	now := time.Now()
	at := func(back time.Duration) (string, time.Time) {
		// The id has the form that the service makes: it begins with the milliseconds.
		id := uuid.Must(uuid.NewV7())
		ms := now.Add(-back).UnixMilli()
		for i := range 6 {
			id[i] = byte(ms >> (40 - 8*i))
		}
		return id.String(), now.Add(-back)
	}
	old, oldAt := at(48 * time.Hour)
	young, youngAt := at(time.Hour)
	late, lateAt := at(30 * time.Minute)
	for _, e := range []audit.Event{
		{ID: old, At: oldAt, Type: audit.UserCreated, UserID: "ada"},
		{ID: young, At: youngAt, Type: audit.PasswordReset, UserID: "ada", Tenant: "acme"},
		{ID: late, At: lateAt, Type: audit.UserCreated, UserID: "bob"},
	} {
		if err := store.AppendEvent(t.Context(), e, nil); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"":                               old + " " + young + " " + late,
		"-user ada":                      old,
		"-user ada -tenant acme":         young,
		"-type password.reset":           young,
		"-type user.created":             old + " " + late,
		"-type user.created,user.erased": old + " " + late,
		"-since 47h":                     young + " " + late,
		"-since 45m":                     late,
		"-since 45m -user ada":           "",
		"-since 72h -type user.erased":   "",
		"-since " + youngAt.Add(time.Second).UTC().Format(time.RFC3339): late,
	} {
		if ids := eventIDs(t, mustRun(t, dir, "", append([]string{"events"}, strings.Fields(args)...)...)); ids != want {
			t.Errorf("events %s printed %q, want %q", args, ids, want)
		}
	}
	if r := run(t, dir, "", "events", "-type", "user.create"); r.code != 2 || r.out != "" || !strings.Contains(r.err, "not a type of audit event") {
		t.Errorf("an unknown type: status %d, %q, %q", r.code, r.out, r.err)
	}
}

// -follow prints each new event once, even an event that commits after events with
// greater ids.
func TestEventsFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustRun(t, dir, "", "client", "add", "-id", "first")
	cmd := command(t.Context(), dir, nil, "events", "-follow", "-type", "client.created,user.created")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs lockedBuffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	next := func(has string) {
		t.Helper()
		if line := receive(t, lines, "an event"); !strings.Contains(line, has) {
			t.Errorf("events -follow printed %s, want %s", line, has)
		}
	}
	next(`"client_id":"first"`)
	mustRun(t, dir, "", "client", "disable", "-id", "first") // of another type
	early := uuid.Must(uuid.NewV7()).String()
	mustRun(t, dir, "", "client", "add", "-id", "second")
	next(`"client_id":"second"`)
	if err := openStore(t, dir).AppendEvent(t.Context(), audit.Event{ID: early, At: time.Now(), Type: audit.UserCreated}, nil); err != nil {
		t.Fatal(err)
	}
	next(early)
	mustRun(t, dir, "", "client", "add", "-id", "third")
	next(`"client_id":"third"`)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for line := range lines {
		t.Errorf("printed too: %s", line)
	}
	if err := cmd.Wait(); err != nil || errs.String() != "" {
		t.Errorf("interrupted: %v, %q", err, errs.String())
	}
}

// serve posts the events of an operator's changes, as it does those of people's
// changes.
func TestOperatorsEventsAreForTheWebhook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	posted := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posted <- string(body)
	}))
	t.Cleanup(hook.Close)
	env := []string{"REKEY_EVENTS_WEBHOOK=" + hook.URL, "REKEY_EVENTS_SECRET=" + webhookSecret, "REKEY_EVENT_TYPES=user.created,user.changed,password.set,user.erased,client.changed"}
	writeFile(t, dir+"/users", "mobile,password_hash,verified,id\n12345678901,"+djangoHash+",true,imported\n", 0o600)
	for _, args := range []string{
		"user import users", "user set-mobile -id imported -to 12345678902", "user set-password -id imported", "client add -id x", "client disable -id x", "user erase -id imported -yes",
	} {
		if r := runEnv(t, dir, env, newPassword, strings.Fields(args)...); r.code != 0 {
			t.Fatalf("%s: %s", args, r.err)
		}
	}
	start(t, dir, env, "-sms", "console")
	types := map[string]int{}
	for range 5 {
		body := receive(t, posted, "an event")
		for _, name := range []string{"user.created", "user.changed", "password.set", "user.erased", "client.changed"} {
			if strings.Contains(body, `"`+name+`"`) {
				types[name]++
			}
		}
	}
	if len(types) != 5 {
		t.Errorf("events by type: %v", types)
	}
}
