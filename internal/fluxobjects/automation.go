package fluxobjects

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

const (
	// automationInterval is long: an automation runs when it is asked to.
	automationInterval = 24 * time.Hour
	// BatchValue is the template value with the id of the batch.
	BatchValue = "batch"
	// VerbValue is the template value that says what the batch does.
	VerbValue = "verb"

	// DefaultAuthorName is the author of commits if the user names none.
	DefaultAuthorName = "app-upgrade-operator"
	// DefaultAuthorEmail is that author's address.
	DefaultAuthorEmail = "app-upgrade-operator@noreply.giantswarm.io"
)

// AutomationName is the name of the ImageUpdateAutomation that writes pins of a namespace to a repository branch, by its key,
// through a GitRepository, with commits that look alike.
func AutomationName(namespace, branch string, repository pin.NamespacedName, commit pin.Commit) string {
	key, err := json.Marshal(struct {
		Namespace, Branch string
		Repository        pin.NamespacedName
		Commit            pin.Commit
	}{namespace, branch, repository, commit})
	if err != nil {
		panic("fluxobjects: " + err.Error()) // strings only: cannot happen
	}
	sum := sha256.Sum256(key)
	return baseName(repository.Name) + "-" + hex.EncodeToString(sum[:nameBytes])
}

// AutomationSettings are what the automations of one repository branch have or do not have in common.
type AutomationSettings struct {
	Namespace  string
	Repository pin.NamespacedName
	// RepositoryKey is gitops.Key of the repository branch.
	RepositoryKey string
	// Branch is the checkout branch.
	Branch string
	Commit pin.Commit
	// MessageTemplate is the whole template, with its trailer.
	MessageTemplate string
}

// Automation is the ImageUpdateAutomation at rest: its selector names the reserved batch that no pin has. It is never absent:
// no selector means every ImagePolicy of the namespace.
func Automation(s AutomationSettings) *automationv1.ImageUpdateAutomation {
	object := &automationv1.ImageUpdateAutomation{
		TypeMeta: metav1.TypeMeta{APIVersion: automationv1.GroupVersion.String(), Kind: automationv1.ImageUpdateAutomationKind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace,
			Name:      AutomationName(s.Namespace, s.RepositoryKey, s.Repository, s.Commit),
			Labels:    labels(pin.RoleAutomation),
		},
		Spec: automationv1.ImageUpdateAutomationSpec{
			SourceRef:      automationv1.CrossNamespaceSourceReference{Kind: sourcev1.GitRepositoryKind, Name: s.Repository.Name},
			Interval:       metav1.Duration{Duration: automationInterval},
			PolicySelector: Selector(pin.AtRest),
			Update:         &automationv1.UpdateStrategy{Strategy: automationv1.UpdateStrategySetters, Path: "./"},
			GitSpec: &automationv1.GitSpec{
				Checkout: &automationv1.GitCheckoutSpec{Reference: sourcev1.GitRepositoryRef{Branch: s.Branch}},
				Commit: automationv1.CommitSpec{
					Author:                Author(s.Commit),
					SigningKey:            SigningKey(s.Commit.Signing),
					MessageTemplate:       s.MessageTemplate,
					MessageTemplateValues: map[string]string{BatchValue: pin.AtRest},
				},
				Push: &automationv1.PushSpec{Branch: cmp.Or(s.Commit.Push.Branch, s.Branch), Options: s.Commit.Push.Options.Map()},
			},
		},
	}
	if s.Repository.Namespace != s.Namespace {
		object.Spec.SourceRef.Namespace = s.Repository.Namespace
	}
	object.Labels[pin.RepositoryLabel] = s.RepositoryKey
	return object
}

// Selector selects the pins of one batch.
func Selector(batch string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{pin.BatchLabel: batch}}
}

// SelectedBatch is the batch that a selector names; empty if it is no selector of ours.
func SelectedBatch(selector *metav1.LabelSelector) string {
	if selector == nil || len(selector.MatchExpressions) > 0 || len(selector.MatchLabels) != 1 {
		return ""
	}
	return selector.MatchLabels[pin.BatchLabel]
}

// Drifted says whether a live automation differs from the wanted one in anything but what the batch protocol sets.
func Drifted(live, want *automationv1.ImageUpdateAutomation) bool {
	have, wanted := live.Spec.DeepCopy(), want.Spec.DeepCopy()
	for _, spec := range []*automationv1.ImageUpdateAutomationSpec{have, wanted} {
		spec.PolicySelector, spec.Suspend = nil, false
		if spec.Update != nil {
			spec.Update.Path = ""
		}
		if spec.GitSpec != nil {
			spec.GitSpec.Commit.MessageTemplateValues = nil
			if key := spec.GitSpec.Commit.SigningKey; key != nil {
				// image-automation-controller before 1.2 knows no types, and its API server drops them. Which key it is stays, and
				// without the type Flux finds no key in the Secret of another.
				key.Type = ""
			}
		}
	}
	for key, value := range want.Labels {
		if live.Labels[key] != value {
			return true
		}
	}
	return !equality.Semantic.DeepEqual(have, wanted)
}

// SigningKey is the key as an ImageUpdateAutomation names it; nil for commits that are not signed. The type gpg is left to be
// Flux's default.
func SigningKey(s pin.Signing) *automationv1.SigningKey {
	if s == (pin.Signing{}) {
		return nil
	}
	key := &automationv1.SigningKey{SecretRef: meta.LocalObjectReference{Name: s.Secret}}
	if s.Type != string(automationv1.SigningKeyTypeGPG) {
		key.Type = automationv1.SigningKeyType(s.Type)
	}
	return key
}

// Author of the commits about a pin.
func Author(commit pin.Commit) automationv1.CommitUser {
	user := automationv1.CommitUser{Name: commit.AuthorName, Email: commit.AuthorEmail}
	if user.Email == "" {
		user.Email = DefaultAuthorEmail
	}
	if user.Name == "" {
		user.Name = DefaultAuthorName
	}
	return user
}
