package apply

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Unserved are those of the kinds whose custom resource definitions are not installed. The mapper of a
// controller-runtime manager asks the API server again for kinds that it did not know, so the answer is fresh.
func Unserved(mapper meta.RESTMapper, kinds ...schema.GroupVersionKind) ([]schema.GroupVersionKind, error) {
	var missing []schema.GroupVersionKind
	for _, kind := range kinds {
		_, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if meta.IsNoMatchError(err) {
			missing = append(missing, kind)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ask the API server for %s: %w", kind, err)
		}
	}
	return missing, nil
}
