package automation

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp"
	imagev1 "github.com/fluxcd/image-automation-controller/api/v1"
	"github.com/fluxcd/pkg/git/signature"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Keys of the secret with a signing key.
const (
	gpgKey        = "git.asc"
	gpgPassphrase = "passphrase"
	sshKey        = "identity"
	sshPassword   = "password"
)

// signer reads the automation's signing key, which is in its own namespace. It is nil without one.
func (a *Automation) signer(ctx context.Context, auto *imagev1.ImageUpdateAutomation) (signature.Signer, error) {
	spec := auto.Spec.GitSpec.Commit.SigningKey
	if spec == nil {
		return nil, nil
	}
	var secret corev1.Secret
	key := types.NamespacedName{Namespace: auto.Namespace, Name: spec.SecretRef.Name}
	if err := a.Client.Get(ctx, key, &secret); err != nil {
		return nil, fmt.Errorf("could not find signing key secret '%s': %w", spec.SecretRef.Name, err)
	}
	switch spec.Type {
	case imagev1.SigningKeyTypeGPG, "":
		return gpgSigner(&secret)
	case imagev1.SigningKeyTypeSSH:
		return sshSigner(&secret)
	default:
		return nil, fmt.Errorf("unknown signing key type %q", spec.Type)
	}
}

func gpgSigner(secret *corev1.Secret) (signature.Signer, error) {
	armored, ok := secret.Data[gpgKey]
	if !ok {
		return nil, fmt.Errorf("signing key secret '%s' does not contain a '%s' key", secret.Name, gpgKey)
	}
	entities, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(armored))
	if err != nil {
		return nil, fmt.Errorf("could not read signing key from secret '%s': %w", secret.Name, err)
	}
	if len(entities) != 1 {
		return nil, fmt.Errorf("secret '%s' holds %d signing keys, want one", secret.Name, len(entities))
	}
	entity := entities[0]
	if entity.PrivateKey != nil && entity.PrivateKey.Encrypted {
		if err := entity.PrivateKey.Decrypt(secret.Data[gpgPassphrase]); err != nil {
			return nil, fmt.Errorf("could not decrypt the signing key of secret '%s': %w", secret.Name, err)
		}
	}
	return signature.NewOpenPGPSigner(entity)
}

func sshSigner(secret *corev1.Secret) (signature.Signer, error) {
	identity, ok := secret.Data[sshKey]
	if !ok {
		return nil, fmt.Errorf("signing key secret '%s' does not contain an '%s' key", secret.Name, sshKey)
	}
	signer, err := signature.NewSSHSigner(identity, secret.Data[sshPassword])
	if err != nil {
		return nil, fmt.Errorf("could not read the SSH signing key of secret '%s': %w", secret.Name, err)
	}
	return signer, nil
}
