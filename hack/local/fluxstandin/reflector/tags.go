package reflector

import (
	"encoding/json"
	"fmt"
	"hash/adler32"
	"slices"
	"sync"
)

// Tags remembers the tags of each scanned image by its canonical name, so ImageRepositories of one image share them,
// and deleting an ImageRepository forgets nothing: both as in Flux's default database. It is kept in memory: after a
// restart every ImageRepository is scanned again, as after the loss of Flux's volume.
type Tags struct {
	mu      sync.RWMutex
	byImage map[string][]string
}

// NewTags returns an empty database.
func NewTags() *Tags {
	return &Tags{byImage: map[string][]string{}}
}

// Of returns the tags of an image, in the order they were stored, or nothing when it was never scanned.
func (t *Tags) Of(image string) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.byImage[image])
}

// Store replaces the tags of an image and returns their revision: a checksum that is equal for equal tags.
func (t *Tags) Store(image string, tags []string) (revision string, err error) {
	encoded, err := json.Marshal(tags)
	if err != nil {
		return "", fmt.Errorf("failed to encode the tags of %s: %w", image, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byImage[image] = slices.Clone(tags)
	return fmt.Sprint(adler32.Checksum(encoded)), nil
}
