package markers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// folder builds the kustomization of dir. A component works on the objects
// that there are already; anything else only adds its own.
func (b *builder) folder(dir string, objects []*object, component bool) ([]*object, error) {
	if b.folders++; b.folders > maxFolders {
		return nil, problem(TooLarge, dir, 0, "more than %d kustomizations refer to each other; use a smaller path", maxFolders)
	}
	if b.open[dir] {
		b.note(dir, "it refers to itself")
		return objects, nil
	}
	k, err := b.kustomization(dir)
	if err != nil {
		return objects, b.leaveOut(dir, err)
	}
	if k == nil {
		b.note(dir, "the folder has no kustomization.yaml")
		return objects, nil
	}
	if component {
		return b.kustomize(dir, k, objects)
	}
	beside := b.configured
	b.configured = nil
	own, err := b.kustomize(dir, k, nil)
	if err == nil {
		err = b.spend(k.file, len(b.configured))
	}
	b.configured = append(beside, b.configured...)
	return append(objects, own...), err
}

// kustomization reads a folder's kustomization file once; nil if it has none.
func (b *builder) kustomization(dir string) (*kustomization, error) {
	if k, known := b.read[dir]; known {
		return k, nil
	}
	k, err := b.repo.readKustomization(dir)
	if err == nil {
		b.read[dir] = k
	}
	return k, err
}

// kustomize adds what the kustomization names to objects and transforms all.
func (b *builder) kustomize(dir string, k *kustomization, objects []*object) ([]*object, error) {
	b.open[dir] = true
	defer delete(b.open, dir)
	objects, err := b.gather(dir, k, objects)
	if err != nil {
		return nil, err
	}
	patches, err := b.patches(dir, k)
	if err != nil {
		return nil, err
	}
	b.follow(dir, k, objects)
	for _, p := range patches {
		if err := b.apply(k, p, objects); err != nil {
			return nil, err
		}
	}
	if err := b.spend(k.file, len(objects)*k.identifySteps()); err != nil {
		return nil, err
	}
	for _, o := range objects {
		k.identify(o)
	}
	if err := b.patchLate(dir, k, objects); err != nil {
		return nil, err
	}
	if err := b.transform(k, objects); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(objects, func(o *object) bool { return o.removed }), nil
}

// gather adds the objects of resources and generators, and lets components work
// on them.
func (b *builder) gather(dir string, k *kustomization, objects []*object) ([]*object, error) {
	objects, err := b.resources(dir, k, objects)
	if err != nil {
		return nil, err
	}
	if err := b.configure(dir, k); err != nil {
		return nil, err
	}
	if len(k.HelmCharts)+len(k.Generators)+len(k.Transformers) > 0 {
		b.note(k.file, "helmCharts, generators and transformers are not followed")
	}
	return b.components(dir, k, objects)
}

// transform is what else may write into objects: by configurations, and the
// transformers that are not followed.
func (b *builder) transform(k *kustomization, objects []*object) error {
	if err := b.writeConfigured(k, slices.Concat(b.configured, b.ownLabels(k)), k.writes, objects); err != nil {
		return err
	}
	if len(k.Transformers) > 0 {
		may := problem(NotMarkable, k.file, 0, "transformers may set the version, and they are not followed; use patches in files of their own")
		setUnread(objects, may)
		for _, o := range objects {
			o.renamed, o.relabeled = may, may
		}
	}
	return nil
}

// follow remembers, if somebody wants to know, through which kustomizations
// objects come. A patch in a component would be one for all that use it.
func (b *builder) follow(dir string, k *kustomization, objects []*object) {
	if b.entered == nil {
		return
	}
	b.entered[dir] = true
	if k.file == "" || k.Kind == kustypes.ComponentKind {
		return
	}
	for _, o := range objects {
		o.trail = append(o.trail, step{dir: dir, file: k.file, identity: o.identity})
	}
}

// resource adds a file or a folder that a kustomization names.
func (b *builder) resource(dir, name string, objects []*object) ([]*object, error) {
	if isRemote(name) {
		b.note(name, "remote resources are not followed")
		return objects, nil
	}
	resolved, err := b.resolve(dir, name)
	if err != nil {
		return objects, b.leaveOut(name, err)
	}
	info, err := b.repo.stat(resolved)
	if err != nil {
		return objects, b.leaveOut(resolved, err)
	}
	if info.IsDir() {
		return b.folder(resolved, objects, false)
	}
	return b.resourceFile(resolved, objects)
}

func isRemote(name string) bool {
	return strings.Contains(name, "://") || strings.HasPrefix(name, "git::") ||
		strings.HasPrefix(name, "git@") || strings.HasPrefix(name, "github.com/")
}

// resolve makes a path in a kustomization one from the repository's root.
func (b *builder) resolve(dir, name string) (string, error) {
	if strings.HasPrefix(name, "/") {
		return "", problem(OutsideRepository, "", 0, "the path %q is absolute", name)
	}
	cleaned, p := cleanPath(path.Join(dir, name))
	if p != nil {
		return "", p
	}
	return cleaned, nil
}

// resourceFile adds the objects of the wanted kind that a file holds.
func (b *builder) resourceFile(name string, objects []*object) ([]*object, error) {
	f, err := b.parse(name)
	if err != nil && b.nodes < 0 {
		return nil, err
	}
	if err != nil {
		return objects, b.leaveOut(name, err)
	}
	if err := b.spend(name, 1+len(f.docs)); err != nil {
		return nil, err
	}
	for _, doc := range f.docs {
		for _, root := range unwrap(doc.root) {
			o := newObject(name, doc, root)
			if o == nil || !o.is(b.kind) {
				continue
			}
			if err := b.spend(name, len(o.labels)+len(o.annotations)); err != nil {
				return nil, err
			}
			if objects = append(objects, o); len(objects) > maxObjects {
				return nil, problem(TooLarge, name, 0, "there are more than %d objects of kind %s; use a smaller path", maxObjects, b.kind.kind)
			}
		}
	}
	return objects, nil
}

// unwrap returns the items of a list, of whatever kind, or the object itself.
func unwrap(root *yaml.Node) []*yaml.Node {
	items := follow(child(root, "items"))
	if !strings.HasSuffix(scalarValue(child(root, "kind")), "List") || items == nil || items.Kind != yaml.SequenceNode {
		return []*yaml.Node{root}
	}
	return items.Content
}

// parse reads a file and keeps the documents that mention the wanted kind.
func (b *builder) parse(name string) (*file, error) {
	if f := b.parsed[name]; f != nil {
		return f, f.refused.orNil()
	}
	content, err := b.repo.readInto(b.buffer, name)
	if err != nil {
		b.refuse(name, err)
		return nil, err
	}
	b.buffer = content
	f := &file{name: name}
	if bytes.Contains(content, []byte(b.kind.kind)) {
		f = parseFile(name, content, b.mayHold)
	}
	if p := cmp.Or(b.parses(f), f.refused); p != nil {
		b.refuse(name, p)
		return nil, p
	}
	if f.err != nil {
		b.note(name, brief(f.err.Error()))
	}
	whole, all := f.parsed(), f.docs
	f.docs = slices.DeleteFunc(slices.Clone(all), func(doc *document) bool {
		if doc.err != nil {
			b.note(name, brief(doc.err.Error()))
		}
		return doc.root == nil || !b.holdsKind(doc.root)
	})
	b.parsed[name] = f
	if whole && len(f.docs) > 0 && b.readable != nil {
		b.readable[name] = (&file{name: name, docs: all, more: f.more}).readable(content).orNil()
	}
	return f, nil
}

// refuse remembers a Problem of a file, which may be named again and again.
func (b *builder) refuse(name string, err error) {
	if p := (*Problem)(nil); errors.As(err, &p) {
		b.parsed[name] = &file{name: name, refused: p}
	}
}

// mayHold is a quick look at a document.
func (b *builder) mayHold(text string) bool {
	return strings.Contains(text, b.kind.kind) && (b.wanted == nil || b.wanted(text))
}

func (b *builder) holdsKind(root *yaml.Node) bool {
	return slices.ContainsFunc(unwrap(root), func(n *yaml.Node) bool {
		return b.kind == anyKind || scalarValue(child(follow(n), "kind")) == b.kind.kind
	})
}

// note remembers what was left out, for the message when nothing is found.
func (b *builder) note(name, why string) {
	text := why
	if name = brief(name); !strings.HasPrefix(why, name) {
		text = name + ": " + why
	}
	if !slices.Contains(b.notes, text) && len(b.notes) < 100 {
		b.notes = append(b.notes, text)
	}
}

// leaveOut notes what a user can correct and goes on without it; other errors
// it returns.
func (b *builder) leaveOut(name string, err error) error {
	var p *Problem
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errIgnored):
		b.note(name, ".sourceignore or spec.ignore of the GitRepository hides it from Flux")
		return nil
	case errors.Is(err, fs.ErrNotExist):
		b.note(name, "there is no such file or folder")
		return nil
	case errors.As(err, &p):
		b.note(name, p.Message)
		return nil
	}
	return fmt.Errorf("cannot read %s: %w", name, err)
}
