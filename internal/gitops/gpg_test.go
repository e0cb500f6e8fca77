package gitops

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// gpgPair makes an OpenPGP key pair in ASCII armour, encrypted if passphrase is not empty, and its public half.
func gpgPair(t *testing.T, passphrase string, config *packet.Config) (private, public []byte) {
	t.Helper()
	entity, err := openpgp.NewEntity("Operator", "", "operator@example.com", config)
	if err != nil {
		t.Fatal(err)
	}
	public = armored(t, openpgp.PublicKeyType, entity.Serialize)
	if passphrase == "" {
		return armored(t, openpgp.PrivateKeyType, func(w io.Writer) error { return entity.SerializePrivate(w, config) }), public
	}
	if err := entity.EncryptPrivateKeys([]byte(passphrase), config); err != nil {
		t.Fatal(err)
	}
	return armored(t, openpgp.PrivateKeyType, func(w io.Writer) error { return entity.SerializePrivateWithoutSigning(w, nil) }), public
}

func armored(t *testing.T, kind string, write func(io.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := armor.Encode(&out, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(w), w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ring are two key pairs in one armour.
func ring(t *testing.T) []byte {
	t.Helper()
	return armored(t, openpgp.PrivateKeyType, func(w io.Writer) error {
		for _, name := range []string{"one", "two"} {
			entity, err := openpgp.NewEntity(name, "", name+"@example.com", nil)
			if err != nil {
				return err
			}
			if err := entity.SerializePrivate(w, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
