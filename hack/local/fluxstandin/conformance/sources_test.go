package conformance

import (
	"bytes"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/gittestserver"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/runtime/secrets"
	"github.com/fluxcd/pkg/ssh"
	corev1 "k8s.io/api/core/v1"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

// sourceCases are about reaching the Git repository.
var sourceCases = map[string]func(*testing.T, *world){
	"the Git secret is read beside the Git repository object": func(t *testing.T, w *world) {
		robot := gitserver.User{Name: "robot", Password: "secret"}
		w.repo = newRepo(t, newGitServer(t, t.TempDir(), robot), w.namespace)
		w.createGitRepository(t, w.newBasicAuth(t, robot))

		elsewhere := &world{suite: w.suite, namespace: w.cluster.Namespace(t), image: w.image, repo: w.repo}
		elsewhere.scanned(t)
		elsewhere.pinned(t, "1.5.0", "pin")
		elsewhere.label(t, "b1", "pin")
		w.repo.commit(t, mainBranch, "Add an app", map[string]string{"app.yaml": elsewhere.app("one", "1.4.2", "pin")})
		automation := elsewhere.newAutomation("automation", "b1")
		automation.Spec.SourceRef.Namespace = w.namespace
		elsewhere.create(t, automation)
		elsewhere.awaitRun(t)
		elsewhere.expectVersion(t, "app.yaml", "1.5.0")
	},
	"a user who may only read fails the push": func(t *testing.T, w *world) {
		reader := gitserver.User{Name: "reader", Password: "secret", ReadOnly: true}
		w.repo = newRepo(t, newGitServer(t, t.TempDir(), reader), w.namespace)
		w.createGitRepository(t, w.newBasicAuth(t, reader))
		w.scanned(t)
		w.pinned(t, "1.5.0", "pin")
		w.label(t, "b1", "pin")
		w.repo.commit(t, mainBranch, "Add an app", map[string]string{"app.yaml": w.app("one", "1.4.2", "pin")})
		w.create(t, w.newAutomation("automation", "b1"))
		automation := awaitFailure(t, w, "automation", &automationv1.ImageUpdateAutomation{}, automationv1.GitOperationFailedReason)
		message := conditions.GetMessage(automation, meta.ReadyCondition)
		if !strings.HasPrefix(message, "failed to update source: failed to push to remote: authorization failed") {
			t.Errorf("message %q", message)
		}
		w.expectVersion(t, "app.yaml", "1.4.2")
	},
	"a bearer token reaches the Git repository": func(t *testing.T, w *world) {
		w.repo.proxy(t, httptest.NewServer, hasBearer("opaque"))
		w.createGitRepository(t, w.newSecret(map[string][]byte{secrets.KeyBearerToken: []byte("opaque")}))
		w.create(t, w.newAutomation("automation", "rest"))
		w.awaitRun(t)
	},
	"a secret that is not there or wrong is tried again": func(t *testing.T, w *world) {
		w.repo.proxy(t, httptest.NewServer, hasBearer("opaque"))
		repository := w.newGitRepository()
		repository.Spec.SecretRef = &meta.LocalObjectReference{Name: "key"}
		w.create(t, repository)
		w.create(t, w.newAutomation("automation", "rest"))
		awaitFailure(t, w, "automation", &automationv1.ImageUpdateAutomation{}, automationv1.SourceManagerFailedReason)

		secret := w.newSecret(map[string][]byte{secrets.KeyBearerToken: []byte("wrong")})
		w.create(t, secret)
		awaitFailure(t, w, "automation", &automationv1.ImageUpdateAutomation{}, automationv1.GitOperationFailedReason)
		secret.Data[secrets.KeyBearerToken] = []byte("opaque")
		if err := w.client.Update(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		w.awaitRun(t)
	},
	"a certificate authority of its own is trusted": func(t *testing.T, w *world) {
		secure := w.repo.proxy(t, httptest.NewTLSServer, func(*http.Request) bool { return true })
		authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
		w.createGitRepository(t, w.newSecret(map[string][]byte{secrets.KeyCACert: authority}))
		w.create(t, w.newAutomation("automation", "rest"))
		w.awaitRun(t)
	},
	"an SSH key reaches the Git repository": func(t *testing.T, w *world) {
		server := gittestserver.NewGitServer(w.gitDir)
		server.KeyDir(t.TempDir())
		if err := server.ListenSSH(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = server.StartSSH() }() // It ends, with an error, when the test stops it.
		t.Cleanup(func() { _ = server.StopSSH() })
		host := strings.TrimPrefix(server.SSHAddress(), "ssh://git@")
		knownHosts, err := ssh.ScanHostKey(host, patience, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		w.repo.url = server.SSHAddress() + "/" + w.namespace + ".git"
		w.createGitRepository(t, w.newSecret(map[string][]byte{
			secrets.KeySSHPrivateKey: newSSHKey(t).PrivateKey,
			secrets.KeySSHKnownHosts: knownHosts,
		}))
		w.create(t, w.newAutomation("automation", "rest"))
		w.awaitRun(t)
	},
	"an SSH key signs the commit": func(t *testing.T, w *world) {
		signature := w.signatureOf(t, automationv1.SigningKeyTypeSSH, map[string][]byte{
			secrets.KeySSHPrivateKey: newSSHKey(t).PrivateKey,
		})
		if !strings.HasPrefix(signature, "-----BEGIN SSH SIGNATURE-----") {
			t.Errorf("signature:\n%s", signature)
		}
	},
	"a GPG key signs the commit": func(t *testing.T, w *world) {
		entity, err := openpgp.NewEntity("Flux", "", "flux@example.com", nil)
		if err != nil {
			t.Fatal(err)
		}
		var key bytes.Buffer
		armored, err := armor.Encode(&key, openpgp.PrivateKeyType, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(entity.SerializePrivate(armored, nil), armored.Close()); err != nil {
			t.Fatal(err)
		}
		signature := w.signatureOf(t, automationv1.SigningKeyTypeGPG, map[string][]byte{"git.asc": key.Bytes()})
		if !strings.HasPrefix(signature, "-----BEGIN PGP SIGNATURE-----") {
			t.Errorf("signature:\n%s", signature)
		}
	},
}

// signatureOf returns the signature of an automation's commit with a signing key.
func (w *world) signatureOf(t *testing.T, keyType automationv1.SigningKeyType, data map[string][]byte) string {
	t.Helper()
	secret := w.newSecret(data)
	w.create(t, secret)
	w.commitOf(t, map[string]string{"app.yaml": w.app("one", "1.4.2", "pin")}, func(automation *automationv1.ImageUpdateAutomation) {
		automation.Spec.GitSpec.Commit.SigningKey = &automationv1.SigningKey{
			Type:      keyType,
			SecretRef: meta.LocalObjectReference{Name: secret.Name},
		}
	})
	command := exec.CommandContext(t.Context(), "git", "-C", w.repo.Dir(), "cat-file", "commit", mainBranch)
	commit, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, signature, _ := strings.Cut(string(commit), "\ngpgsig ")
	return signature
}

func hasBearer(token string) func(*http.Request) bool {
	return func(req *http.Request) bool { return req.Header.Get("Authorization") == "Bearer "+token }
}

func (w *world) newBasicAuth(t *testing.T, user gitserver.User) *corev1.Secret {
	t.Helper()
	secret, err := secrets.MakeBasicAuthSecret("key", w.namespace, user.Name, user.Password)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func newSSHKey(t *testing.T) *ssh.KeyPair {
	t.Helper()
	pair, err := ssh.NewEd25519Generator().Generate()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func (w *world) newSecret(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: w.meta("key"), Data: data}
}

func (w *world) createGitRepository(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	w.create(t, secret)
	repository := w.newGitRepository()
	repository.Spec.SecretRef = &meta.LocalObjectReference{Name: secret.Name}
	w.create(t, repository)
}
