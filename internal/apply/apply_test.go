package apply

import (
	"context"
	"errors"
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// counted is a client that counts the requests to apply.
func counted(t *testing.T, objects ...client.Object) (client.Client, *int) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := imagev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	requests := 0
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Apply: func(ctx context.Context, c client.WithWatch, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			requests++
			return c.Apply(ctx, object, options...)
		},
	}).Build()
	return c, &requests
}

func desired() *imagev1.ImagePolicy {
	return &imagev1.ImagePolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: imagev1.GroupVersion.String(), Kind: imagev1.ImagePolicyKind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "pin.app.one",
			Labels:          map[string]string{pin.ManagedByLabel: pin.ManagedBy},
			Annotations:     map[string]string{pin.IntentAnnotation: "{}"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Owner", Name: "owner", UID: "1"}},
		},
		Spec: imagev1.ImagePolicySpec{
			DigestReflectionPolicy: imagev1.ReflectNever,
			Policy:                 imagev1.ImagePolicyChoice{Alphabetical: &imagev1.AlphabeticalPolicy{Order: "asc"}},
		},
	}
}

func read(t *testing.T, c client.Client) *imagev1.ImagePolicy {
	t.Helper()
	live := &imagev1.ImagePolicy{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(desired()), live); err != nil {
		t.Fatal(err)
	}
	return live
}

func TestApply(t *testing.T) {
	tests := map[string]struct {
		// edit changes the live object after it was applied, want what is wanted then.
		edit, want func(*imagev1.ImagePolicy)
		changed    bool
	}{
		"nothing changed": {},
		"a field is wanted otherwise": {
			want:    func(p *imagev1.ImagePolicy) { p.Spec.Policy.Alphabetical.Order = "desc" },
			changed: true,
		},
		"a field is not wanted any more": {
			want:    func(p *imagev1.ImagePolicy) { p.Annotations = nil },
			changed: true,
		},
		"somebody changed a wanted field": {
			edit:    func(p *imagev1.ImagePolicy) { p.Spec.Policy.Alphabetical.Order = "desc" },
			changed: true,
		},
		"somebody removed an annotation": {
			edit:    func(p *imagev1.ImagePolicy) { delete(p.Annotations, pin.IntentAnnotation) },
			changed: true,
		},
		"somebody removed the owner": {
			edit:    func(p *imagev1.ImagePolicy) { p.OwnerReferences = nil },
			changed: true,
		},
		"somebody set a field that nobody wants": {
			edit: func(p *imagev1.ImagePolicy) { p.Spec.FilterTags = &imagev1.TagFilter{Pattern: "^1$"} },
		},
		"somebody added an annotation": {
			edit: func(p *imagev1.ImagePolicy) { p.Annotations["other"] = "theirs" },
		},
		"somebody added an owner": {
			edit: func(p *imagev1.ImagePolicy) {
				p.OwnerReferences = append(p.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "Owner", Name: "other", UID: "2"})
			},
		},
		"the status changed": {
			edit: func(p *imagev1.ImagePolicy) { p.Status.LatestRef = &imagev1.ImageRef{Name: "image", Tag: "1.0.0"} },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, requests := counted(t)
			if changed, err := Apply(t.Context(), c, nil, desired()); err != nil || !changed {
				t.Fatalf("the first time: %t, %v", changed, err)
			}
			if test.edit != nil {
				live := read(t, c)
				test.edit(live)
				if err := c.Update(t.Context(), live); err != nil {
					t.Fatal(err)
				}
			}
			want := desired()
			if test.want != nil {
				test.want(want)
			}
			changed, err := Apply(t.Context(), c, read(t, c), want)
			if err != nil || changed != test.changed || *requests != 1+toInt(test.changed) {
				t.Fatalf("got %t, %v after %d requests", changed, err, *requests)
			}
			if changed, err := Apply(t.Context(), c, read(t, c), want); err != nil || changed {
				t.Errorf("once more: %t, %v", changed, err)
			}
		})
	}
}

func toInt(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func TestApplyKeepsOff(t *testing.T) {
	foreign := desired()
	foreign.Labels = nil
	c, requests := counted(t, foreign)
	_, err := Apply(t.Context(), c, read(t, c), desired())
	var refused *ForeignError
	if !errors.As(err, &refused) || refused.Name != "pin.app.one" || *requests != 0 {
		t.Errorf("got %v after %d requests", err, *requests)
	}
	if err := Delete(t.Context(), c, read(t, c)); !errors.As(err, &refused) {
		t.Errorf("Delete: %v", err)
	}
	read(t, c)
}

func TestDelete(t *testing.T) {
	c, _ := counted(t, desired())
	old := read(t, c)
	changed := read(t, c)
	changed.Annotations["memory"] = "new"
	if err := c.Update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if err := Delete(t.Context(), c, old); !apierrors.IsConflict(err) {
		t.Errorf("an object that changed since: %v", err)
	}
	fresh := read(t, c)
	for range 2 {
		if err := Delete(t.Context(), c, fresh); err != nil {
			t.Error(err)
		}
	}
}

func TestUnserved(t *testing.T) {
	known := imagev1.GroupVersion.WithKind(imagev1.ImagePolicyKind)
	unknown := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Unknown"}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(known, meta.RESTScopeNamespace)
	missing, err := Unserved(mapper, known, unknown)
	if err != nil || len(missing) != 1 || missing[0] != unknown {
		t.Errorf("got %v, %v", missing, err)
	}
}

// Contains is reflexive, and notices whenever a wanted leaf is another.
func TestContains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		object := tree(3).Draw(t, "object")
		if !contains(object, object) {
			t.Fatalf("does not contain itself: %v", object)
		}
		key := rapid.StringN(1, 4, -1).Draw(t, "key")
		more := map[string]any{}
		for k, v := range object {
			more[k] = v
		}
		more[key] = "another value"
		if !contains(more, without(object, key)) {
			t.Fatalf("an additional key matters: %v", more)
		}
		if contains(object, more) {
			t.Fatalf("a missing leaf does not matter: %v", more)
		}
	})
}

func without(object map[string]any, key string) map[string]any {
	rest := map[string]any{}
	for k, v := range object {
		if k != key {
			rest[k] = v
		}
	}
	return rest
}

func tree(depth int) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		leaf := rapid.OneOf(
			rapid.Map(rapid.StringN(0, 3, -1), func(s string) any { return s }),
			rapid.Map(rapid.Int64(), func(n int64) any { return n }),
			rapid.Map(rapid.SliceOfN(rapid.StringN(0, 2, -1), 0, 3), func(s []string) any {
				list := make([]any, 0, len(s))
				for _, item := range s {
					list = append(list, item)
				}
				return list
			}),
		)
		object := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "keys") {
			key := rapid.StringN(1, 4, -1).Draw(t, "key")
			if depth > 0 && rapid.Bool().Draw(t, "nested") {
				object[key] = tree(depth-1).Draw(t, "value")
				continue
			}
			object[key] = leaf.Draw(t, "value")
		}
		return object
	})
}
