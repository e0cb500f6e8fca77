package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	reflectorv1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/runtime/secrets"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var repositoryCases = map[string]func(*testing.T, *world){
	"a scan counts the tags and shows the ten that are last in lexical order": func(t *testing.T, w *world) {
		tags := []string{"1.0.0.sig"}
		for i := range 12 {
			tags = append(tags, fmt.Sprintf("1.%d.0", i))
		}
		w.image.setTags(tags...)
		w.create(t, w.newImageRepository("chart"))
		repository := awaitReady(t, w, "chart", &reflectorv1.ImageRepository{})

		scan := repository.Status.LastScanResult
		want := []string{"1.9.0", "1.8.0", "1.7.0", "1.6.0", "1.5.0", "1.4.0", "1.3.0", "1.2.0", "1.11.0", "1.10.0"}
		if diff := cmp.Diff(want, scan.LatestTags); diff != "" {
			t.Errorf("latestTags (-want +got):\n%s", diff)
		}
		if scan.TagCount != 12 || scan.ScanTime.IsZero() || scan.Revision == "" {
			t.Errorf("lastScanResult %+v, want 12 tags without the signature, a time and a revision", scan)
		}
		if got := repository.Status.CanonicalImageName; got != w.image.name {
			t.Errorf("canonicalImageName %q, want %q", got, w.image.name)
		}
		if diff := cmp.Diff([]string{`^.*\.sig$`}, repository.Status.ObservedExclusionList); diff != "" {
			t.Errorf("observedExclusionList (-want +got):\n%s", diff)
		}
		message := fmt.Sprintf("successful scan: found 12 tags with checksum %s", scan.Revision)
		expectReady(t, repository, message)
	},
	"another exclusion list is a reason to scan": func(t *testing.T, w *world) {
		w.scanned(t)
		change(t, w, "chart", &reflectorv1.ImageRepository{}, func(repository *reflectorv1.ImageRepository) {
			repository.Spec.ExclusionList = []string{`^1\.4`}
		})
		repository := await(t, w, "chart", &reflectorv1.ImageRepository{}, func(repository *reflectorv1.ImageRepository) bool {
			return slices.Equal(repository.Status.ObservedExclusionList, []string{`^1\.4`})
		})
		if diff := cmp.Diff([]string{"1.5.0"}, repository.Status.LastScanResult.LatestTags); diff != "" {
			t.Errorf("latestTags (-want +got):\n%s", diff)
		}
	},
	"only a request or the interval is a reason to scan again": func(t *testing.T, w *world) {
		w.scanned(t)
		scans := w.image.listCount()
		change(t, w, "chart", &reflectorv1.ImageRepository{}, func(repository *reflectorv1.ImageRepository) {
			repository.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
		})
		awaitReady(t, w, "chart", &reflectorv1.ImageRepository{})
		if got := w.image.listCount(); got != scans {
			t.Errorf("%d scans for another timeout, want none", got-scans)
		}
		w.image.setTags("2.0.0")
		repository := w.rescan(t)
		if diff := cmp.Diff([]string{"2.0.0"}, repository.Status.LastScanResult.LatestTags); diff != "" {
			t.Errorf("latestTags after the request (-want +got):\n%s", diff)
		}
	},
	"the interval scans without a request": func(t *testing.T, w *world) {
		repository := w.newImageRepository("chart")
		repository.Spec.Interval.Duration = time.Second
		w.create(t, repository)
		awaitReady(t, w, "chart", &reflectorv1.ImageRepository{})
		w.image.setTags("2.0.0")
		await(t, w, "chart", &reflectorv1.ImageRepository{}, func(repository *reflectorv1.ImageRepository) bool {
			return slices.Equal(repository.Status.LastScanResult.LatestTags, []string{"2.0.0"})
		})
	},
	"a suspended repository handles its token without a scan": func(t *testing.T, w *world) {
		w.scanned(t)
		change(t, w, "chart", &reflectorv1.ImageRepository{}, func(repository *reflectorv1.ImageRepository) {
			repository.Spec.Suspend = true
		})
		scans := w.image.listCount()
		w.rescan(t)
		if got := w.image.listCount(); got != scans {
			t.Errorf("%d scans while suspended, want none", got-scans)
		}
	},
	"an image with a scheme or a tag stalls": func(t *testing.T, w *world) {
		for name, spelling := range map[string]string{
			"scheme": "oci://" + w.image.name,
			"tag":    w.image.name + ":1.5.0",
		} {
			repository := w.newImageRepository(name)
			repository.Spec.Image = spelling
			w.create(t, repository)
			awaitStalled(t, w, name, repository, reflectorv1.ImageURLInvalidReason)
		}
	},
	"a private registry wants the pull secret": func(t *testing.T, w *world) {
		w.image.requireLogin("robot", "secret")
		w.create(t, w.newImageRepository("anonymous"))
		awaitFailure(t, w, "anonymous", &reflectorv1.ImageRepository{}, reflectorv1.ReadOperationFailedReason)

		repository := w.newImageRepository("chart")
		repository.Spec.SecretRef = &meta.LocalObjectReference{Name: "pull"}
		w.create(t, repository)
		awaitFailure(t, w, "chart", &reflectorv1.ImageRepository{}, reflectorv1.AuthenticationFailedReason)

		secret, err := secrets.MakeRegistrySecret("pull", w.namespace, w.registry.address, "robot", "secret")
		if err != nil {
			t.Fatal(err)
		}
		w.create(t, secret)
		awaitReady(t, w, "chart", &reflectorv1.ImageRepository{})
	},
	"a failing scan handles its token and is tried again": func(t *testing.T, w *world) {
		repository := w.newImageRepository("chart")
		repository.Spec.Image = w.registry.address + "/" + w.namespace + "/missing"
		w.create(t, repository)
		awaitFailure(t, w, "chart", repository, reflectorv1.ReadOperationFailedReason)
		w.rescan(t)
		reconciling := conditions.Get(repository, meta.ReconcilingCondition)
		if reconciling == nil || reconciling.Reason != meta.ProgressingWithRetryReason {
			t.Errorf("Reconciling %+v, want reason %s", reconciling, meta.ProgressingWithRetryReason)
		}
		w.registry.image(w.namespace+"/missing", "1.0.0")
		awaitReady(t, w, "chart", repository)
	},
	"deleting a repository does not forget the tags of its image": func(t *testing.T, w *world) {
		w.scanned(t)
		w.create(t, w.newImageRepository("twin"))
		twin := awaitReady(t, w, "twin", &reflectorv1.ImageRepository{})
		if err := w.client.Delete(t.Context(), twin); err != nil {
			t.Fatal(err)
		}
		w.create(t, w.newPolicy("candidate", semverRange("*")))
		w.awaitTag(t, "candidate", "1.5.0")
	},
}

var policyCases = map[string]func(*testing.T, *world){
	"a range elects the highest version and keeps the one before": func(t *testing.T, w *world) {
		w.scanned(t)
		w.create(t, w.newPolicy("candidate", semverRange(">=1.0.0 <2.0.0")))
		w.awaitTag(t, "candidate", "1.5.0")
		w.image.setTags("1.4.2", "1.5.0", "1.6.0", "2.0.0")
		w.rescan(t)
		w.awaitTag(t, "candidate", "1.6.0")

		policy := awaitReady(t, w, "candidate", &reflectorv1.ImagePolicy{})
		want := &reflectorv1.ImageRef{Name: w.image.name, Tag: "1.5.0"}
		if diff := cmp.Diff(want, policy.Status.ObservedPreviousRef); diff != "" {
			t.Errorf("observedPreviousRef (-want +got):\n%s", diff)
		}
		expectReady(t, policy, fmt.Sprintf("Latest image tag for %s resolved to 1.6.0 (previously %s:1.5.0)", w.image.name, w.image.name))
	},
	"a range that matches nothing is not ready but keeps its tag": func(t *testing.T, w *world) {
		w.scanned(t)
		w.create(t, w.newPolicy("candidate", semverRange("*")))
		w.awaitTag(t, "candidate", "1.5.0")
		change(t, w, "candidate", &reflectorv1.ImagePolicy{}, func(policy *reflectorv1.ImagePolicy) {
			policy.Spec.Policy = semverRange(">=9.0.0")
		})
		policy := awaitFailure(t, w, "candidate", &reflectorv1.ImagePolicy{}, metav1.StatusFailure)
		expectTag(t, policy, "1.5.0")
		if got := conditions.GetMessage(policy, meta.ReadyCondition); !strings.Contains(got, "unable to determine latest version") {
			t.Errorf("message %q", got)
		}
		if policy.Status.ObservedGeneration == policy.Generation {
			t.Error("a failing policy observed its generation, want the one before")
		}
	},
	"a pin whose tag is gone is not ready but keeps its tag": func(t *testing.T, w *world) {
		w.scanned(t)
		w.pinned(t, "1.4.2", "pin")
		w.image.setTags("1.4.3", "1.5.0")
		w.rescan(t)
		expectTag(t, awaitFailure(t, w, "pin", &reflectorv1.ImagePolicy{}, metav1.StatusFailure), "1.4.2")
	},
	"a pin moves downwards too": func(t *testing.T, w *world) {
		w.scanned(t)
		w.pinned(t, "1.5.0", "pin")
		w.movePin(t, "pin", "1.4.2")
		w.awaitTag(t, "pin", "1.4.2")
	},
	"a policy waits for the first scan": func(t *testing.T, w *world) {
		repository := w.newImageRepository("chart")
		repository.Spec.Suspend = true
		w.create(t, repository)
		w.create(t, w.newPin("pin", "1.5.0"))
		policy := awaitFailure(t, w, "pin", &reflectorv1.ImagePolicy{}, reflectorv1.DependencyNotReadyReason)
		if policy.Status.LatestRef != nil {
			t.Errorf("latestRef %+v before any scan", policy.Status.LatestRef)
		}
		change(t, w, "chart", repository, func(repository *reflectorv1.ImageRepository) { repository.Spec.Suspend = false })
		w.awaitTag(t, "pin", "1.5.0")
	},
	"a policy without its repository waits for it": func(t *testing.T, w *world) {
		w.create(t, w.newPin("pin", "1.5.0"))
		awaitFailure(t, w, "pin", &reflectorv1.ImagePolicy{}, reflectorv1.DependencyNotReadyReason)
		w.scanned(t)
		w.awaitTag(t, "pin", "1.5.0")
	},
	"a range or pattern that cannot be read stalls": func(t *testing.T, w *world) {
		w.scanned(t)
		w.create(t, w.newPolicy("range", semverRange(">=one")))
		pattern := w.newPin("pattern", "1.5.0")
		pattern.Spec.FilterTags.Pattern = "("
		w.create(t, pattern)
		for _, name := range []string{"range", "pattern"} {
			awaitStalled(t, w, name, &reflectorv1.ImagePolicy{}, "InvalidPolicy")
		}
	},
	"a suspended policy observes its generation and elects nothing": func(t *testing.T, w *world) {
		w.scanned(t)
		w.pinned(t, "1.4.2", "pin")
		change(t, w, "pin", &reflectorv1.ImagePolicy{}, func(pin *reflectorv1.ImagePolicy) {
			pin.Spec.Suspend = true
			pin.Spec.FilterTags = exactly("1.5.0")
		})
		policy := await(t, w, "pin", &reflectorv1.ImagePolicy{}, func(pin *reflectorv1.ImagePolicy) bool {
			return pin.Status.ObservedGeneration == pin.Generation
		})
		expectTag(t, policy, "1.4.2")
		if !conditions.IsReady(policy) {
			t.Error("the suspended policy is not Ready any more")
		}
	},
	"a policy reads another namespace only where it may": func(t *testing.T, w *world) {
		w.scanned(t)
		other := w.newPin("pin", "1.5.0")
		other.Namespace = w.cluster.Namespace(t)
		other.Spec.ImageRepositoryRef.Namespace = w.namespace
		w.create(t, other)
		elsewhere := &world{suite: w.suite, namespace: other.Namespace}
		awaitFailure(t, elsewhere, "pin", &reflectorv1.ImagePolicy{}, "AccessDenied")
	},
	"a digest is reflected if asked for": func(t *testing.T, w *world) {
		w.scanned(t)
		pin := w.newPin("pin", "1.5.0")
		pin.Spec.DigestReflectionPolicy = reflectorv1.ReflectIfNotPresent
		w.create(t, pin)
		w.awaitTag(t, "pin", "1.5.0")
		policy := awaitReady(t, w, "pin", &reflectorv1.ImagePolicy{})
		if got := policy.Status.LatestRef.Digest; got != digestOf("1.5.0") {
			t.Errorf("digest %q, want that of the tag", got)
		}
	},
}

func expectReady(t *testing.T, obj fluxObject, message string) {
	t.Helper()
	ready := conditions.Get(obj, meta.ReadyCondition)
	if ready == nil || ready.Reason != meta.SucceededReason || ready.Message != message {
		t.Errorf("Ready is %+v, want reason %s and message %q", ready, meta.SucceededReason, message)
	}
	if got := len(obj.GetConditions()); got != 1 {
		t.Errorf("%d conditions, want only Ready: %+v", got, obj.GetConditions())
	}
}

func expectTag(t *testing.T, policy *reflectorv1.ImagePolicy, tag string) {
	t.Helper()
	if policy.Status.LatestRef == nil || policy.Status.LatestRef.Tag != tag {
		t.Errorf("latestRef %+v, want tag %s", policy.Status.LatestRef, tag)
	}
}
