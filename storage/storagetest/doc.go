// Package storagetest is the conformance suite of [identity.Storage]. Run it on your
// own store: the service can run on a store that passes.
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
// Each case gets its own empty store and checks one rule. A failure prints why the rule
// exists. To run one case alone:
//
//	go test -run 'TestConformance/RedeemCode/Concurrent$'
//
// # A users table of your own
//
// [RunUsers] runs only the cases about [identity.Users], for an implementation that is
// passed as [identity.Config].Users:
//
//	storagetest.RunUsers(t, func(t *testing.T) identity.Users {
//		return openUsers(t) // empty, and closed by t.Cleanup
//	})
//
// # What it asks of a store
//
// The suite checks every sentence of identity.Storage whose effect its methods show:
// missing, duplicate, repeated and concurrent calls; that a refused or cancelled call
// has changed nothing; that hostile strings, digests and times come back unchanged. A
// store that implements [identity.Checker] is checked for that too.
//
// The strings hold no NUL: the service refuses it, and some databases cannot store it
// as text. Digests hold any byte.
//
// # What it cannot see
//
// No answer of a store shows whether it keeps three promises. Test these against the
// database itself: the sealed text of a finished message is wiped, a commit survives a
// power loss, and a malformed limit state is an error.
//
// # Stability
//
// New cases are added for mistakes that the suite did not find. A store that passed
// before may then fail; the release notes say so.
package storagetest
