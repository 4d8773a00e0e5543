// Package storagetest is the conformance suite of [identity.Storage]. Run it on
// your own store: a store that passes can carry the service.
//
// # Usage
//
//	func TestConformance(t *testing.T) {
//		t.Parallel()
//		storagetest.Run(t, func(t *testing.T) identity.Storage {
//			return open(t, t.TempDir()) // empty, and closed by t.Cleanup
//		})
//	}
//
// Each case gets an empty store of its own, holds one rule against it, and
// prints with every failure why the rule exists. One case alone:
//
//	go test -run 'TestConformance/RedeemCode/Concurrent$'
//
// # A users table of your own
//
// [RunUsers] runs the cases about [identity.Users] alone, for what is passed as
// [identity.Config].Users:
//
//	storagetest.RunUsers(t, func(t *testing.T) identity.Users {
//		return openUsers(t) // empty, and closed by t.Cleanup
//	})
//
// # What it asks of a store
//
// The suite checks every sentence of the port that can be observed through the
// port: what is missing, duplicate, repeated or concurrent; that a refused call has
// changed nothing; that a cancelled call says so and has changed nothing; that
// hostile strings, digests and times come back as they went in. A store that
// implements [identity.Checker] is checked for that too.
//
// The strings hold no NUL, which the service refuses before they reach a store
// and which some databases cannot keep as text. Digests hold any byte.
//
// # What it cannot see
//
// Three promises leave no trace in any answer, so that the author of a store has
// to test them against the database itself: that a finished message's sealed text
// is wiped, that a commit survives a loss of power, and that a malformed limit
// state is an error.
//
// # Stability
//
// A case is added when a way is found to be wrong that the suite did not see.
// A store that passed before may then fail; the release notes say so.
package storagetest
