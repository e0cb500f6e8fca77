package gitops

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	fluxsignature "github.com/fluxcd/pkg/git/signature"
	gossh "golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func signingSecret(data map[string][]byte) *corev1.Secret {
	s := secret("signing", nil)
	s.Data = data
	return s
}

func signingKey(of automationv1.SigningKeyType) *automationv1.SigningKey {
	return &automationv1.SigningKey{Type: of, SecretRef: meta.LocalObjectReference{Name: "signing"}}
}

// signedUpdate pushes a signed commit.
func signedUpdate(t *testing.T, s *server, signer Signer) Commit {
	t.Helper()
	commit, err := newTestClient(t, Options{}).Update(t.Context(), s.remote(), operator, func(c *Checkout) (Change, error) {
		change, err := appendLine("a.yaml", "ours")(c)
		change.Signer = signer
		return change, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

// git itself checks the signatures, with ssh-keygen where the machine has it, and Flux's library checks them always.
func TestCommitsAreSignedSSH(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaSigner, err := gossh.NewSignerFromKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	rsaBlock, err := gossh.MarshalPrivateKey(rsaKey, "")
	if err != nil {
		t.Fatal(err)
	}
	plain, identity := sshKey(t, "")
	locked, encrypted := sshKey(t, testPassword)
	for name, tt := range map[string]struct {
		public gossh.PublicKey
		data   map[string][]byte
	}{
		"ed25519":         {plain.PublicKey(), map[string][]byte{"identity": identity}},
		"with passphrase": {locked.PublicKey(), map[string][]byte{"identity": encrypted, "password": []byte(testPassword)}},
		"rsa":             {rsaSigner.PublicKey(), map[string][]byte{"identity": pem.EncodeToMemory(rsaBlock)}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
			reader := fake.NewClientBuilder().WithObjects(signingSecret(tt.data)).Build()
			signer, err := SignerOf(t.Context(), reader, "flux-system", signingKey(automationv1.SigningKeyTypeSSH))
			if err != nil {
				t.Fatal(err)
			}
			commit := signedUpdate(t, s, signer)
			signature, payload := signedParts(t, s, commit.Hash)
			if _, err := fluxsignature.VerifySSHSignature(signature, payload, string(gossh.MarshalAuthorizedKey(tt.public))); err != nil {
				t.Error(err)
			}
			allowed := filepath.Join(t.TempDir(), "allowed")
			line := operator.Email + " " + string(gossh.MarshalAuthorizedKey(tt.public))
			if err := os.WriteFile(allowed, []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
			if hasCommand("ssh-keygen") {
				s.bare("-c", "gpg.format=ssh", "-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", commit.Hash)
			}
		})
	}
}

func TestCommitsAreSignedGPG(t *testing.T) {
	plain, plainPublic := gpgPair(t, "", nil)
	locked, lockedPublic := gpgPair(t, testPassword, nil)
	for name, tt := range map[string]struct {
		public []byte
		data   map[string][]byte
		of     automationv1.SigningKeyType
	}{
		"default type":    {plainPublic, map[string][]byte{"git.asc": plain}, ""},
		"with passphrase": {lockedPublic, map[string][]byte{"git.asc": locked, "passphrase": []byte(testPassword)}, automationv1.SigningKeyTypeGPG},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
			reader := fake.NewClientBuilder().WithObjects(signingSecret(tt.data)).Build()
			signer, err := SignerOf(t.Context(), reader, "flux-system", signingKey(tt.of))
			if err != nil {
				t.Fatal(err)
			}
			commit := signedUpdate(t, s, signer)
			signature, payload := signedParts(t, s, commit.Hash)
			if _, err := fluxsignature.VerifyPGPSignature(signature, payload, string(tt.public)); err != nil {
				t.Error(err)
			}
			if hasCommand("gpg") {
				verifyWithGPG(t, s, tt.public, commit.Hash)
			}
		})
	}
}

// verifyWithGPG lets git check a signature with gpg, whose keys are in a folder of its own. The folder's name must be short: gpg
// makes sockets in it.
func verifyWithGPG(t *testing.T, s *server, public []byte, hash string) {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	key := filepath.Join(home, "public.asc")
	if err := os.WriteFile(key, public, 0o600); err != nil {
		t.Fatal(err)
	}
	gpg := exec.CommandContext(t.Context(), "gpg", "--homedir", home, "--batch", "--no-autostart", "--import", key)
	if out, err := gpg.CombinedOutput(); err != nil {
		t.Fatalf("gpg --import: %v\n%s", err, out)
	}
	s.run(filepath.Join(s.Root(), testRepo), []string{"GNUPGHOME=" + home}, "verify-commit", hash)
}

// signedParts are a commit's signature, and what it is about.
func signedParts(t *testing.T, s *server, hash string) (signature string, payload []byte) {
	t.Helper()
	var out, header []string
	inSignature := false
	for line := range strings.Lines(s.raw("cat-file", "commit", hash)) {
		text, continued := strings.CutPrefix(line, " ")
		switch {
		case strings.HasPrefix(line, "gpgsig "):
			inSignature = true
			header = append(header, strings.TrimPrefix(line, "gpgsig "))
		case inSignature && continued:
			header = append(header, text)
		default:
			inSignature = false
			out = append(out, line)
		}
	}
	if len(header) == 0 {
		t.Fatalf("commit %s is not signed", hash)
	}
	return strings.Join(header, ""), []byte(strings.Join(out, ""))
}

func TestUnusableSigningKeys(t *testing.T) {
	plain, public := gpgPair(t, "", nil)
	locked, _ := gpgPair(t, testPassword, nil)
	past := &packet.Config{Time: func() time.Time { return time.Now().Add(-48 * time.Hour) }, KeyLifetimeSecs: 3600}
	expired, _ := gpgPair(t, "", past)
	argon, _ := gpgPair(t, testPassword, &packet.Config{
		AEADConfig: &packet.AEADConfig{}, S2KConfig: &s2k.Config{S2KMode: s2k.Argon2S2K},
	})
	long, _ := gpgPair(t, "", &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: maxGPGBits + 8})
	_, identity := sshKey(t, "")
	_, encrypted := sshKey(t, testPassword)
	gpg, ssh := automationv1.SigningKeyTypeGPG, automationv1.SigningKeyTypeSSH
	for name, tt := range map[string]struct {
		of    automationv1.SigningKeyType
		data  map[string][]byte
		words string
	}{
		"gpg: empty":               {gpg, nil, "git.asc: it is empty"},
		"gpg: no armour":           {gpg, map[string][]byte{"git.asc": []byte(testPassword)}, "git.asc"},
		"gpg: public half":         {gpg, map[string][]byte{"git.asc": public}, "git.asc"},
		"gpg: two keys":            {gpg, map[string][]byte{"git.asc": ring(t)}, "there are 2 keys"},
		"gpg: wrong passphrase":    {gpg, map[string][]byte{"git.asc": locked, "passphrase": []byte("no")}, "the passphrase does not open the key"},
		"gpg: no passphrase":       {gpg, map[string][]byte{"git.asc": locked}, "the passphrase does not open the key"},
		"gpg: hungry passphrase":   {gpg, map[string][]byte{"git.asc": argon, "passphrase": []byte(testPassword)}, "unbounded memory"},
		"gpg: long key":            {gpg, map[string][]byte{"git.asc": long}, "more than 8192"},
		"gpg: long text":           {gpg, map[string][]byte{"git.asc": make([]byte, maxGPGBytes+1)}, "more than 65536"},
		"ssh: long text":           {ssh, map[string][]byte{"identity": make([]byte, maxSSHBytes+1)}, "more than 16384"},
		"gpg: expired":             {gpg, map[string][]byte{"git.asc": expired}, "git.asc"},
		"gpg: key of the other":    {gpg, map[string][]byte{"identity": identity}, "git.asc: it is empty"},
		"ssh: empty":               {ssh, nil, "identity: it is empty"},
		"ssh: no key":              {ssh, map[string][]byte{"identity": []byte(testPassword)}, "identity"},
		"ssh: wrong passphrase":    {ssh, map[string][]byte{"identity": encrypted, "password": []byte("no")}, "identity"},
		"ssh: no passphrase":       {ssh, map[string][]byte{"identity": encrypted}, "passphrase"},
		"ssh: key of the other":    {ssh, map[string][]byte{"git.asc": plain}, "identity: it is empty"},
		"ssh: armoured OpenPGP":    {ssh, map[string][]byte{"identity": plain}, "identity"},
		"gpg: an SSH key by error": {gpg, map[string][]byte{"git.asc": identity}, "git.asc"},
	} {
		t.Run(name, func(t *testing.T) {
			reader := fake.NewClientBuilder().WithObjects(signingSecret(tt.data)).Build()
			signer, err := SignerOf(t.Context(), reader, "flux-system", signingKey(tt.of))
			checkFailure(t, err, ReasonSigningKeyUnusable, tt.words, "flux-system/signing", "give")
			if signer != nil {
				t.Error("there is a signer")
			}
		})
	}
}

func TestSignerOfOthers(t *testing.T) {
	reader := fake.NewClientBuilder().Build()
	if signer, err := SignerOf(t.Context(), reader, "flux-system", nil); signer != nil || err != nil {
		t.Errorf("without a key: %v, %v", signer, err)
	}
	_, err := SignerOf(t.Context(), reader, "flux-system", signingKey(automationv1.SigningKeyTypeGPG))
	checkFailure(t, err, ReasonSigningKeyUnusable, "Secret flux-system/signing does not exist", "git.commit.signingKey")

	gone := errors.New("API server is away")
	reader = fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return gone
		},
	}).Build()
	if _, err := SignerOf(t.Context(), reader, "flux-system", signingKey("")); !errors.Is(err, gone) || ReasonOf(err) != "" {
		t.Errorf("SignerOf() = %v with reason %q, want %v without", err, ReasonOf(err), gone)
	}
}

// away is a key that fails when it is needed.
type away struct{}

func (away) Sign(io.Reader) ([]byte, error) { return nil, errors.New("the key is away") }

func TestNothingIsPushedUnsigned(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	before := s.head()
	_, err := newTestClient(t, Options{}).Update(t.Context(), s.remote(), operator, func(c *Checkout) (Change, error) {
		change, err := appendLine("a.yaml", "ours")(c)
		change.Signer = away{}
		return change, err
	})
	checkFailure(t, err, ReasonLocalFailure, "the key is away")
	if s.head() != before {
		t.Error("the branch moved")
	}
}
