package gitops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
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

// gpgSigner reads the key as Flux does: one pair, of which the primary key alone may be encrypted.
func gpgSigner(data map[string][]byte) (Signer, error) {
	if len(data[gpgKeyField]) == 0 {
		return nil, errors.New("it is empty")
	}
	entities, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data[gpgKeyField]))
	if err != nil {
		return nil, err
	}
	if len(entities) != 1 {
		return nil, fmt.Errorf("there are %d keys, and one is needed", len(entities))
	}
	if private := entities[0].PrivateKey; private != nil && private.Encrypted {
		if err := private.Decrypt(data[gpgPassphraseField]); err != nil {
			return nil, fmt.Errorf("the %s does not open the key: %w", gpgPassphraseField, err)
		}
	}
	return fluxsignature.NewOpenPGPSigner(entities[0])
}

func sshSigner(data map[string][]byte) (Signer, error) {
	if len(data[sshKeyField]) == 0 {
		return nil, errors.New("it is empty")
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
