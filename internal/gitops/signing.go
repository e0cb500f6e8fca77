package gitops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	fluxsignature "github.com/fluxcd/pkg/git/signature"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Signer makes the signatures of commits.
type Signer = fluxsignature.Signer

// The keys of a Secret with a signing key, see the API of Flux's ImageUpdateAutomation.
const (
	gpgKeyField        = "git.asc"
	gpgPassphraseField = "passphrase"
	sshKeyField        = "identity"
	sshPassphraseField = "password"
)

// SignerOf reads a signing key as an ImageUpdateAutomation of the namespace names it, and makes sure that it can sign; nil for
// no key. An *Error says what is wrong with the key; any other error is the API server's, to be retried.
func SignerOf(ctx context.Context, reader client.Reader, namespace string, key *automationv1.SigningKey) (Signer, error) {
	if key == nil {
		return nil, nil
	}
	name := client.ObjectKey{Namespace: namespace, Name: key.SecretRef.Name}
	var secret corev1.Secret
	if err := reader.Get(ctx, name, &secret); apierrors.IsNotFound(err) {
		return nil, &Error{
			Reason: ReasonSigningKeyUnusable,
			Detail: fmt.Sprintf("Commits cannot be signed: Secret %s does not exist", name),
			Next:   "create it with the signing key, or correct git.commit.signingKey of the policy",
		}
	} else if err != nil {
		return nil, fmt.Errorf("read signing key in Secret %s: %w", name, err)
	}
	parse, field := gpgSigner, gpgKeyField
	if key.Type == automationv1.SigningKeyTypeSSH {
		parse, field = sshSigner, sshKeyField
	}
	signer, err := tried(parse, secret.Data)
	if err != nil {
		return nil, &Error{
			Reason: ReasonSigningKeyUnusable,
			Detail: fmt.Sprintf("Commits cannot be signed with what Secret %s has under %s: %v", name, field, err),
			Next: fmt.Sprintf("for type gpg give one key pair in ASCII armour under %s and its %s; for type ssh give a private key under %s and its %s",
				gpgKeyField, gpgPassphraseField, sshKeyField, sshPassphraseField),
		}
	}
	return signer, nil
}

// tried reads a key and signs with it: one that has expired, or is the public half, is found only so. The key is a tenant's, who
// may have made it to break the library.
func tried(parse func(map[string][]byte) (Signer, error), data map[string][]byte) (signer Signer, err error) {
	defer func() {
		if recover() != nil {
			signer, err = nil, errors.New("it is no key that can be read")
		}
	}()
	if signer, err = parse(data); err != nil {
		return nil, err
	}
	if _, err = signer.Sign(strings.NewReader("probe")); err != nil {
		return nil, err
	}
	return signer, nil
}

// Bounds of a key: what it asks of a library is to be done in milliseconds, with little memory.
const (
	// maxGPGBytes leaves room for subkeys and signatures of others.
	maxGPGBytes = 64 << 10
	// maxSSHBytes is more than an RSA key of 16,384 bits has.
	maxSSHBytes = 16 << 10
	maxGPGBits  = 8192
)

// gpgSigner reads the key as Flux does: one pair, of which the primary key alone may be encrypted.
func gpgSigner(data map[string][]byte) (Signer, error) {
	if err := checkLength(data[gpgKeyField], maxGPGBytes); err != nil {
		return nil, err
	}
	entities, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data[gpgKeyField]))
	if err != nil {
		return nil, err
	}
	if len(entities) != 1 {
		return nil, fmt.Errorf("there are %d keys, and one is needed", len(entities))
	}
	if err := checkBits(entities[0]); err != nil {
		return nil, err
	}
	if private := entities[0].PrivateKey; private != nil && private.Encrypted {
		if err := checkProtection(private); err != nil {
			return nil, err
		}
		if err := private.Decrypt(data[gpgPassphraseField]); err != nil {
			return nil, fmt.Errorf("the %s does not open the key: %w", gpgPassphraseField, err)
		}
	}
	return fluxsignature.NewOpenPGPSigner(entities[0])
}

func checkLength(key []byte, most int) error {
	switch {
	case len(key) == 0:
		return errors.New("it is empty")
	case len(key) > most:
		return fmt.Errorf("it has %d bytes, more than %d", len(key), most)
	}
	return nil
}

func checkBits(entity *openpgp.Entity) error {
	keys := []*packet.PublicKey{entity.PrimaryKey}
	for _, subkey := range entity.Subkeys {
		keys = append(keys, subkey.PublicKey)
	}
	for _, key := range keys {
		if bits, err := key.BitLength(); err == nil && bits > maxGPGBits {
			return fmt.Errorf("it has a key of %d bits, more than %d", bits, maxGPGBits)
		}
	}
	return nil
}

// checkProtection refuses a passphrase of a kind that may ask for any amount of memory, up to 2 TiB: Argon2, which the library
// reads only together with AEAD. GnuPG protects keys by a SHA-1 checksum.
func checkProtection(private *packet.PrivateKey) error {
	var open, whole bytes.Buffer
	if err := errors.Join(private.PublicKey.Serialize(&open), private.Serialize(&whole)); err != nil {
		return err
	}
	public, err := packet.NewOpaqueReader(&open).Next()
	if err != nil {
		return err
	}
	secret, err := packet.NewOpaqueReader(&whole).Next()
	if err != nil {
		return err
	}
	// RFC 9580, 5.5.3: after the public key comes the octet that says how the rest is protected.
	rest := bytes.TrimPrefix(secret.Contents, public.Contents)
	if len(rest) == 0 || len(rest) == len(secret.Contents) || packet.S2KType(rest[0]) != packet.S2KSHA1 {
		return errors.New("its passphrase is of a kind that may need unbounded memory; protect the key as GnuPG does, not with AEAD or Argon2")
	}
	return nil
}

func sshSigner(data map[string][]byte) (Signer, error) {
	if err := checkLength(data[sshKeyField], maxSSHBytes); err != nil {
		return nil, err
	}
	return fluxsignature.NewSSHSigner(data[sshKeyField], data[sshPassphraseField])
}

// sign adds the signer's signature to a commit; nil adds none.
func sign(commit *object.Commit, signer Signer) error {
	if signer == nil {
		return nil
	}
	encoded := &plumbing.MemoryObject{}
	if err := commit.EncodeWithoutSignature(encoded); err != nil {
		return err
	}
	content, err := encoded.Reader()
	if err != nil {
		return err
	}
	made, err := signer.Sign(content)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	commit.PGPSignature = string(made)
	return nil
}
