package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/git/signature"
	extgogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// The key of the policy signs the operator's commits and Flux's. Without it nothing is pushed, and others' markers are placed
// all the same.
func TestSignedCommits(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("signed", ">=1.0.0", []string{"one"}, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Git = &v1alpha1.Git{Commit: &v1alpha1.Commit{
			SigningKey: &v1alpha1.SigningKey{Type: v1alpha1.SigningKeySSH, SecretRef: v1alpha1.LocalObjectReference{Name: "signing"}},
		}}
	})
	eventually(t, "the missing key is reported", func() error {
		return f.target("signed", "one", func(target v1alpha1.TargetStatus) error {
			if err := withFinding(v1alpha1.GitUnwritableReason)(target); err != nil {
				return err
			}
			if !strings.Contains(target.Finding.Message, "Secret "+f.namespace+"/signing does not exist") {
				return fmt.Errorf("the message is %q", target.Finding.Message)
			}
			return nil
		})
	})
	f.policy("plain", ">=1.0.0", []string{"two"})
	eventually(t, "the App of the other policy is marked", func() error { return f.marked("two") })
	if f.marked("one") == nil {
		t.Error("a marker was pushed without a signature")
	}

	public := f.signingKey("signing")
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.release("1.1.0")
	f.scan()
	eventually(t, "both are upgraded", func() error { return f.upgraded("1.1.0", "one", "two") })
	signed := 0
	for _, commit := range f.log() {
		switch diff, err := f.repo.Diff(t.Context(), commit.Hash); {
		case err != nil:
			t.Fatal(err)
		case strings.Contains(diff, path("two")): // the first commit too
		default:
			must(t, f.signedBy(commit.Hash, public))
			signed++
		}
	}
	if signed != 2 {
		t.Errorf("%d signed commits, want the marker's and the upgrade's", signed)
	}
}

// signingKey makes a Secret with an SSH key, and gives the public one.
func (f *fleet) signingKey(name string) string {
	f.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(f.T, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(f.T, err)
	must(f.T, env.Client.Create(f.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: name}, Data: map[string][]byte{"identity": pem.EncodeToMemory(block)},
	}))
	key, err := ssh.NewPublicKey(public)
	must(f.T, err)
	return string(ssh.MarshalAuthorizedKey(key))
}

// signedBy complains unless an SSH key signed a commit.
func (f *fleet) signedBy(hash, public string) error {
	f.Helper()
	repository, err := extgogit.PlainOpen(f.repo.Dir())
	must(f.T, err)
	commit, err := repository.CommitObject(plumbing.NewHash(hash))
	must(f.T, err)
	encoded := &plumbing.MemoryObject{}
	must(f.T, commit.EncodeWithoutSignature(encoded))
	reader, err := encoded.Reader()
	must(f.T, err)
	payload, err := io.ReadAll(reader)
	must(f.T, err)
	if _, err := signature.VerifySSHSignature(commit.PGPSignature, payload, public); err != nil {
		return fmt.Errorf("commit %q is not signed with the policy's key: %w", commit.Message, err)
	}
	return nil
}
