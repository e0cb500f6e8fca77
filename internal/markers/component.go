package markers

import (
	"errors"
	"io/fs"
	"slices"
)

// componentsOf are those that the Flux Kustomization adds.
func (b *builder) componentsOf(src Source) []string {
	if !src.IgnoreMissingComponents {
		return src.Components
	}
	return slices.DeleteFunc(slices.Clone(src.Components), func(component string) bool {
		name, err := b.resolve(src.Path, component)
		if err == nil {
			_, err = b.repo.stat(name)
		}
		return errors.Is(err, fs.ErrNotExist) && !isRemote(component)
	})
}

// components lets the kustomization's components work on the objects. One that
// cannot be read may do anything.
func (b *builder) components(dir string, k *kustomization, objects []*object) ([]*object, error) {
	for _, component := range k.Components {
		name, read, err := b.component(dir, component)
		if err != nil {
			return nil, err
		}
		if !read {
			setUnread(objects, k.unread("the component", component))
			continue
		}
		if objects, err = b.folder(name, objects, true); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// component finds the folder of a component, and tells whether it can be read.
func (b *builder) component(dir, component string) (name string, read bool, err error) {
	if name, err = b.resolve(dir, component); err != nil {
		return "", false, b.leaveOut(component, err)
	}
	k, err := b.kustomization(name)
	if k == nil && err == nil {
		b.note(component, "the folder has no kustomization.yaml")
	}
	return name, k != nil, b.leaveOut(component, err)
}
