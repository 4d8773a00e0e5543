package resetpage_test

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/seed-16109ab2/rekey/identity"
)

// challenger gives a challenge that names what it is for.
type challenger struct{}

func (challenger) Challenge(_ context.Context, mobile string, purpose identity.Purpose) ([]byte, error) {
	return json.Marshal(map[string]string{"salt": mobile + "/" + string(purpose)})
}

// failingChallenger has lost its storage.
type failingChallenger struct{}

func (failingChallenger) Challenge(context.Context, string, identity.Purpose) ([]byte, error) {
	return nil, errors.New("no storage")
}
