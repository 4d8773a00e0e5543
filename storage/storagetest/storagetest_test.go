package storagetest_test

import (
	"testing"

	"github.com/seed-16109ab2/rekey/identity"
	"github.com/seed-16109ab2/rekey/storage/memory"
	"github.com/seed-16109ab2/rekey/storage/storagetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(*testing.T) identity.Storage { return memory.New() })
}

func TestUsersAlone(t *testing.T) {
	t.Parallel()
	storagetest.RunUsers(t, func(*testing.T) identity.Users { return struct{ identity.Users }{memory.New()} })
}
