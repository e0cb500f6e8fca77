package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	reflectorv1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what one case has for itself: a namespace with a GitRepository, an image and its ImageRepository.
type world struct {
	*suite
	namespace string
	image     *image
	repo      *repo
	tokens    int
}

func (s *suite) newWorld(t *testing.T) *world {
	t.Helper()
	namespace := s.cluster.Namespace(t)
	return &world{
		suite:     s,
		namespace: namespace,
		image:     s.registry.image(namespace+"/chart", "1.4.2", "1.4.3", "1.5.0"),
		repo:      newRepo(t, s.git, namespace),
	}
}

func (w *world) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.namespace, Name: name}
}

func (w *world) create(t *testing.T, obj client.Object) {
	t.Helper()
	if err := w.client.Create(t.Context(), obj); err != nil {
		t.Fatal(err)
	}
}

// newImageRepository describes the world's image, scanned once and then on request.
func (w *world) newImageRepository(name string) *reflectorv1.ImageRepository {
	return &reflectorv1.ImageRepository{
		ObjectMeta: w.meta(name),
		Spec: reflectorv1.ImageRepositorySpec{
			Image:    w.image.name,
			Interval: metav1.Duration{Duration: time.Hour},
			Insecure: true,
		},
	}
}

// scanned creates the world's ImageRepository and waits for its first scan.
func (w *world) scanned(t *testing.T) {
	t.Helper()
	w.create(t, w.newImageRepository("chart"))
	awaitReady(t, w, "chart", &reflectorv1.ImageRepository{})
}

// newPolicy describes a policy over the world's ImageRepository.
func (w *world) newPolicy(name string, choice reflectorv1.ImagePolicyChoice) *reflectorv1.ImagePolicy {
	return &reflectorv1.ImagePolicy{
		ObjectMeta: w.meta(name),
		Spec: reflectorv1.ImagePolicySpec{
			ImageRepositoryRef: meta.NamespacedObjectReference{Name: "chart"},
			Policy:             choice,
		},
	}
}

func semverRange(versions string) reflectorv1.ImagePolicyChoice {
	return reflectorv1.ImagePolicyChoice{SemVer: &reflectorv1.SemVerPolicy{Range: versions}}
}

// newPin describes a policy that elects exactly one tag.
func (w *world) newPin(name, tag string) *reflectorv1.ImagePolicy {
	pin := w.newPolicy(name, reflectorv1.ImagePolicyChoice{Alphabetical: &reflectorv1.AlphabeticalPolicy{Order: "asc"}})
	pin.Spec.FilterTags = exactly(tag)
	return pin
}

func exactly(tag string) *reflectorv1.TagFilter {
	return &reflectorv1.TagFilter{Pattern: "^" + strings.ReplaceAll(tag, ".", `\.`) + "$"}
}

// pinned creates pins at a tag and waits until they have elected it.
func (w *world) pinned(t *testing.T, tag string, names ...string) {
	t.Helper()
	for _, name := range names {
		w.create(t, w.newPin(name, tag))
	}
	for _, name := range names {
		w.awaitTag(t, name, tag)
	}
}

// movePin asks a pin for another tag.
func (w *world) movePin(t *testing.T, name, tag string) {
	t.Helper()
	change(t, w, name, &reflectorv1.ImagePolicy{}, func(pin *reflectorv1.ImagePolicy) { pin.Spec.FilterTags = exactly(tag) })
}

func (w *world) label(t *testing.T, batch string, names ...string) {
	t.Helper()
	for _, name := range names {
		change(t, w, name, &reflectorv1.ImagePolicy{}, func(pin *reflectorv1.ImagePolicy) {
			pin.Labels = map[string]string{"batch": batch}
		})
	}
}

// awaitTag waits until a policy is ready with a tag at its present generation.
func (w *world) awaitTag(t *testing.T, name, tag string) {
	t.Helper()
	await(t, w, name, &reflectorv1.ImagePolicy{}, func(policy *reflectorv1.ImagePolicy) bool {
		return isReady(policy) && policy.Status.LatestRef != nil && policy.Status.LatestRef.Tag == tag
	})
}

// newAutomation describes an automation on the main branch that selects a batch, and never runs by interval.
func (w *world) newAutomation(name, batch string) *automationv1.ImageUpdateAutomation {
	return &automationv1.ImageUpdateAutomation{
		ObjectMeta: w.meta(name),
		Spec: automationv1.ImageUpdateAutomationSpec{
			SourceRef:      automationv1.CrossNamespaceSourceReference{Kind: sourcev1.GitRepositoryKind, Name: "gitops"},
			Interval:       metav1.Duration{Duration: 24 * time.Hour},
			PolicySelector: batchSelector(batch),
			GitSpec: &automationv1.GitSpec{
				Commit: automationv1.CommitSpec{Author: automationv1.CommitUser{Name: "Flux", Email: "flux@example.com"}},
			},
		},
	}
}

func batchSelector(batch string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"batch": batch}}
}

func (w *world) newGitRepository() *sourcev1.GitRepository {
	return &sourcev1.GitRepository{
		ObjectMeta: w.meta("gitops"),
		Spec: sourcev1.GitRepositorySpec{
			URL:       w.repo.url,
			Interval:  metav1.Duration{Duration: time.Hour},
			Reference: &sourcev1.GitRepositoryRef{Branch: mainBranch},
		},
	}
}

// atRest creates the GitRepository and an automation that selects nothing, and waits for its first run.
func (w *world) atRest(t *testing.T) {
	t.Helper()
	w.create(t, w.newGitRepository())
	w.create(t, w.newAutomation("automation", "rest"))
	w.awaitRun(t)
}

// awaitRun waits until the automation is ready at its present generation.
func (w *world) awaitRun(t *testing.T) *automationv1.ImageUpdateAutomation {
	t.Helper()
	return awaitReady(t, w, "automation", &automationv1.ImageUpdateAutomation{})
}

// arm names a batch in the automation's selector and asks for a run, in one patch.
func (w *world) arm(t *testing.T, batch string) (token string) {
	t.Helper()
	token = w.newToken()
	change(t, w, "automation", &automationv1.ImageUpdateAutomation{}, func(automation *automationv1.ImageUpdateAutomation) {
		automation.Spec.PolicySelector = batchSelector(batch)
		setToken(automation, token)
	})
	return token
}

// ask asks an object for a reconciliation.
func (w *world) ask(t *testing.T, name string, obj client.Object) (token string) {
	t.Helper()
	token = w.newToken()
	change(t, w, name, obj, func(obj client.Object) { setToken(obj, token) })
	return token
}

// runNow asks the automation for a run and waits until it is handled.
func (w *world) runNow(t *testing.T) *automationv1.ImageUpdateAutomation {
	t.Helper()
	return w.awaitHandled(t, w.ask(t, "automation", &automationv1.ImageUpdateAutomation{}))
}

func (w *world) awaitHandled(t *testing.T, token string) *automationv1.ImageUpdateAutomation {
	t.Helper()
	automation := &automationv1.ImageUpdateAutomation{}
	await(t, w, "automation", automation, func(automation *automationv1.ImageUpdateAutomation) bool {
		return automation.Status.LastHandledReconcileAt == token
	})
	return automation
}

// rescan asks the world's ImageRepository for a scan and waits for it.
func (w *world) rescan(t *testing.T) *reflectorv1.ImageRepository {
	t.Helper()
	token := w.ask(t, "chart", &reflectorv1.ImageRepository{})
	repository := &reflectorv1.ImageRepository{}
	await(t, w, "chart", repository, func(repository *reflectorv1.ImageRepository) bool {
		return repository.Status.LastHandledReconcileAt == token
	})
	return repository
}

func (w *world) newToken() string {
	w.tokens++
	return fmt.Sprintf("token-%d", w.tokens)
}

func setToken(obj client.Object, token string) {
	annotations := obj.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[meta.ReconcileRequestAnnotation] = token
	obj.SetAnnotations(annotations)
}

// app is a manifest whose version line names a policy of the world's namespace.
func (w *world) app(name, version, policy string) string {
	return fmt.Sprintf(`apiVersion: application.giantswarm.io/v1alpha1
kind: App
metadata:
  name: %s
spec:
  version: %s # {"$imagepolicy": "%s:%s:tag"}
`, name, version, w.namespace, policy)
}

// expectVersion checks what Git says on the main branch.
func (w *world) expectVersion(t *testing.T, path, version string) {
	t.Helper()
	if content := w.repo.read(t, mainBranch, path); !strings.Contains(content, "version: "+version+" #") {
		t.Errorf("%s does not have version %s:\n%s", path, version, content)
	}
}
