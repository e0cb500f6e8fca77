package apply

import (
	"reflect"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// contains says whether have has every leaf of want. A list of want must be the same in have, but for owner references,
// of which others may add their own.
func contains(have, want map[string]any) bool {
	for key, wanted := range want {
		got, ok := have[key]
		if !ok || !sameValue(key, got, wanted) {
			return false
		}
	}
	return true
}

func sameValue(key string, got, wanted any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		return ok && contains(got, wanted)
	case []any:
		got, ok := got.([]any)
		if ok && key == "ownerReferences" {
			return containsAll(got, wanted)
		}
		return ok && reflect.DeepEqual(got, wanted)
	default:
		return reflect.DeepEqual(got, wanted)
	}
}

func containsAll(got, wanted []any) bool {
	for _, one := range wanted {
		found := false
		for _, other := range got {
			found = found || reflect.DeepEqual(one, other)
		}
		if !found {
			return false
		}
	}
	return true
}

// isNil sees through an interface that holds a nil pointer.
func isNil(object client.Object) bool {
	return object == nil || reflect.ValueOf(object).IsNil()
}
