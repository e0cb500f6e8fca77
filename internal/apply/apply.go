package apply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

const (
	// FieldManager owns the fields that the operator applies.
	FieldManager = "app-upgrade-operator"
	// AppliedAnnotation is the hash of what was applied last. It tells that a field is no longer wanted, which comparing
	// wanted fields with the live object cannot.
	AppliedAnnotation = "upgrades.giantswarm.io/applied"

	// hashBytes of the SHA-256 are kept: 64 bits.
	hashBytes = 8
)

// ForeignError says that an object which the operator did not make has the name that it needs. It is never taken over.
type ForeignError struct{ Kind, Namespace, Name string }

// Error says what to do.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s %s/%s was not made by %s and is not touched: rename or delete it, or give it the label %s=%s to hand it over",
		e.Kind, e.Namespace, e.Name, pin.ManagedBy, pin.ManagedByLabel, pin.ManagedBy)
}

// Apply makes the live object as desired. It sends no request if the live object has every desired field already and was
// applied with the same ones. changed says whether a request was made.
//
// live is the object as it was read last, or nil if there was none; desired has its kind and version set. Errors: a
// *ForeignError, or the API server's. A conflict means that live is not what is there any more: read and decide again.
func Apply(ctx context.Context, c client.Client, live, desired client.Object) (changed bool, err error) {
	want, err := configuration(desired)
	if err != nil {
		return false, err
	}
	if isNil(live) {
		return true, send(ctx, c, want)
	}
	if live.GetLabels()[pin.ManagedByLabel] != pin.ManagedBy {
		return false, &ForeignError{Kind: want.GetKind(), Namespace: live.GetNamespace(), Name: live.GetName()}
	}
	have, err := runtime.DefaultUnstructuredConverter.ToUnstructured(live)
	if err != nil {
		return false, fmt.Errorf("compare %s %s/%s: %w", want.GetKind(), live.GetNamespace(), live.GetName(), err)
	}
	if contains(have, withoutKind(want.Object)) {
		return false, nil
	}
	// A decision about an object that changed since, or is gone, must not be written over what is there now.
	want.SetUID(live.GetUID())
	want.SetResourceVersion(live.GetResourceVersion())
	return true, send(ctx, c, want)
}

// configuration is the desired object as it is sent: no status, nothing that the API server sets, and with its hash.
func configuration(desired client.Object) (*unstructured.Unstructured, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(desired)
	if err != nil {
		return nil, fmt.Errorf("convert %s %s/%s: %w", desired.GetObjectKind().GroupVersionKind().Kind, desired.GetNamespace(), desired.GetName(), err)
	}
	want := &unstructured.Unstructured{Object: object}
	delete(want.Object, "status")
	unstructured.RemoveNestedField(want.Object, "metadata", "creationTimestamp")
	data, err := json.Marshal(want.Object)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s/%s: %w", want.GetKind(), want.GetNamespace(), want.GetName(), err)
	}
	sum := sha256.Sum256(data)
	annotations := want.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[AppliedAnnotation] = hex.EncodeToString(sum[:hashBytes])
	want.SetAnnotations(annotations)
	return want, nil
}

func send(ctx context.Context, c client.Client, want *unstructured.Unstructured) error {
	err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(want), client.FieldOwner(FieldManager), client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("apply %s %s/%s: %w", want.GetKind(), want.GetNamespace(), want.GetName(), err)
	}
	return nil
}

// withoutKind leaves out what a typed object that was read does not have.
func withoutKind(object map[string]any) map[string]any {
	rest := make(map[string]any, len(object))
	for key, value := range object {
		if key != "kind" && key != "apiVersion" {
			rest[key] = value
		}
	}
	return rest
}
