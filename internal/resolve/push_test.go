package resolve

import (
	"strings"
	"testing"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// pushes lets the world's policy push to a branch.
func pushes(w *world, branch string) {
	w.policy.Spec.Git = &v1alpha1.Git{Push: &v1alpha1.Push{Branch: branch}}
}

func TestPushable(t *testing.T) {
	skip := pin.OptionsOf(map[string]string{"ci.skip": ""})
	for name, tc := range map[string]struct {
		branches, options string
		namespace         string
		push              pin.Push
		want              []string
	}{
		"nothing":                         {},
		"own repository":                  {namespace: "default", push: pin.Push{Branch: "release", Options: skip}},
		"tracked branch":                  {push: pin.Push{Branch: "main"}, branches: "*", want: []string{"git.push.branch is main"}},
		"tracked branch, own repository":  {namespace: "default", push: pin.Push{Branch: "main"}, want: []string{"git.push.branch is main"}},
		"below the tracked branch":        {namespace: "default", push: pin.Push{Branch: "main/upgrades"}, want: []string{"git.push.branch main/upgrades cannot be beside main"}},
		"every branch":                    {branches: "*", push: pin.Push{Branch: "*"}, want: []string{`git.push.branch "*" cannot be`}},
		"two references":                  {branches: "*", push: pin.Push{Branch: "a:refs/heads/main"}, want: []string{"cannot be the name"}},
		"no branch name":                  {namespace: "default", push: pin.Push{Branch: "a..b"}, want: []string{"cannot be the name"}},
		"branch":                          {push: pin.Push{Branch: "release"}, want: []string{"the git.push.branch release.", "'upgrades.giantswarm.io/allow-push-branches=release'"}},
		"another branch":                  {branches: "upgrades, next", push: pin.Push{Branch: "release"}, want: []string{"allow-push-branches=<what it has>,release'"}},
		"a longer branch":                 {branches: "up", push: pin.Push{Branch: "upgrades"}, want: []string{"git.push.branch upgrades"}},
		"granted branch":                  {branches: "upgrades, next", push: pin.Push{Branch: "next"}},
		"granted prefix":                  {branches: "upgrades-*", push: pin.Push{Branch: "upgrades-acme"}},
		"another prefix":                  {branches: "upgrades-*", push: pin.Push{Branch: "release-1"}, want: []string{"git.push.branch release-1"}},
		"options":                         {push: pin.Push{Options: skip}, want: []string{"the git.push.options ci.skip.", "'upgrades.giantswarm.io/allow-push-options=ci.skip'"}},
		"options of a granted branch":     {branches: "upgrades", push: pin.Push{Branch: "upgrades", Options: skip}, want: []string{"git.push.options ci.skip"}},
		"branches do not grant options":   {branches: "*", push: pin.Push{Options: skip}, want: []string{"git.push.options ci.skip"}},
		"granted options":                 {options: "ci.*", push: pin.Push{Options: skip}},
		"branch and options, not granted": {push: pin.Push{Branch: "b", Options: skip}, want: []string{"branches=b' 'upgrades", "git.push.branch b and git.push.options ci.skip"}},
	} {
		t.Run(name, func(t *testing.T) {
			repository := &sourcev1.GitRepository{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "fleet", Annotations: map[string]string{
				v1alpha1.AllowPushBranchesAnnotation: tc.branches, v1alpha1.AllowPushOptionsAnnotation: tc.options,
			}}}
			if tc.namespace == "" {
				tc.namespace = "org-acme"
			}
			got := Pushable(repository, "main", tc.namespace, tc.push)
			if (got != nil) != (len(tc.want) > 0) {
				t.Fatalf("Pushable() = %+v", got)
			}
			for _, words := range tc.want {
				if !strings.Contains(got.Message, words) {
					t.Errorf("the message lacks %q: %s", words, got.Message)
				}
			}
		})
	}
}

// Where Flux takes signed commits only, a policy must sign.
func TestUnverifiable(t *testing.T) {
	key := &v1alpha1.Commit{SigningKey: &v1alpha1.SigningKey{SecretRef: v1alpha1.LocalObjectReference{Name: "key"}}}
	for name, tc := range map[string]struct {
		mode sourcev1.GitVerificationMode
		git  *v1alpha1.Git
		want bool
	}{
		"nothing is verified":     {},
		"the newest commit":       {mode: sourcev1.ModeGitHEAD, want: true},
		"by default":              {mode: "-", want: true},
		"tags":                    {mode: sourcev1.ModeGitTag},
		"both":                    {mode: sourcev1.ModeGitTagAndHEAD, want: true},
		"the policy signs":        {mode: sourcev1.ModeGitHEAD, git: &v1alpha1.Git{Commit: key}},
		"it has another author":   {mode: sourcev1.ModeGitHEAD, git: &v1alpha1.Git{Commit: &v1alpha1.Commit{}}, want: true},
		"humans merge versions":   {mode: sourcev1.ModeGitHEAD, git: &v1alpha1.Git{Push: &v1alpha1.Push{Branch: "upgrades"}}, want: true},
		"humans merge everything": {mode: sourcev1.ModeGitHEAD, git: &v1alpha1.Git{Push: &v1alpha1.Push{Branch: "upgrades"}, Markers: v1alpha1.MarkersUnmanaged}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.policy.Spec.Git = tc.git
			w.repository.Annotations[v1alpha1.AllowPushBranchesAnnotation] = "*"
			if tc.mode != "" {
				w.repository.Spec.Verification = &sourcev1.GitRepositoryVerification{Mode: sourcev1.GitVerificationMode(strings.TrimPrefix(string(tc.mode), "-"))}
			}
			got := w.resolve(t).Targets[0].Finding
			if (got != nil) != tc.want || tc.want && (got.Reason != v1alpha1.SourceUnsupportedReason || !strings.Contains(got.Message, "git.commit.signingKey")) {
				t.Errorf("finding %+v", got)
			}
		})
	}
}
