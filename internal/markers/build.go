package markers

import (
	"io/fs"
	"path"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	kustypes "sigs.k8s.io/kustomize/api/types"
)

const (
	// maxObjects bounds the objects of one kind that one source builds.
	maxObjects = 100_000
	// maxFolders bounds the kustomizations that one build enters, a folder
	// that several refer to counted each time: a few files that refer to
	// each other could ask for billions.
	maxFolders = 10_000
	// maxSteps bounds the work of one build, and by that its memory: patches
	// count once for each object, since a few files can hold 100,000 of both.
	maxSteps = 1_000_000
	// bytesPerStep makes parsing, which takes about 20 MB a second, comparable to others.
	bytesPerStep = 20
)

// build is what a source builds of one kind.
type build struct {
	objects []*object
	// byName has the objects by the name that they get in the cluster.
	byName map[string][]*object
	// notes say what was left out, in the order in which it was met.
	notes []string
	// hidden counts the files that Flux does not have.
	hidden int
	// substituted is what was done to names.
	substituted substitution
	// unnamed are the objects whose names have variables without a value.
	unnamed []unnamed
}

// builder follows kustomization files as kustomize does, in kustomize's
// order: resources, components, patches, namespace, prefix, suffix, labels,
// old JSON6902 patches, replacements. It keeps objects of one kind and
// remembers who writes into them instead of merging.
type builder struct {
	kind groupKind
	// repo is the repository as Flux has it for the source that is built.
	repo *repository
	// wanted tells the documents that count; nil: all.
	wanted func(text string) bool
	// parsed and read remember files, and kustomizations of the repository,
	// that several kustomizations refer to.
	parsed map[string]*file
	read   map[string]*kustomization
	// configurations remembers the field specs of files in the same way, and
	// configured are those of the kustomization that is being built.
	configurations map[string][]fieldSpec
	configured     []fieldSpec
	// buffer is what files are read into.
	buffer []byte
	// open are the folders that are being built, to find cycles.
	open    map[string]bool
	folders int
	// readable remembers what Flux would make of files, if somebody wants to
	// know.
	readable map[string]error
	// steps are those that are left.
	steps int
	// nodes are those that may still be parsed.
	nodes  int
	notes  []string
	hidden int
	// entered are the folders that were built, and every object remembers
	// through which it came; nil if nobody wants to know.
	entered map[string]bool
}

func newBuilder(kind groupKind) *builder {
	return &builder{kind: kind, parsed: map[string]*file{}, open: map[string]bool{}, steps: maxSteps, nodes: maxNodes}
}

// spend counts steps of work that a file asks for.
func (b *builder) spend(name string, steps int) error {
	if b.steps -= steps; b.steps < 0 {
		return problem(TooLarge, name, 0, "the kustomizations apply too many patches and labels to too many objects; use a smaller path")
	}
	return nil
}

// source builds the objects of one kind as Flux does, but for the variables in
// their names.
func (b *builder) source(repo *repository, src Source) (*build, error) {
	if b.repo != repo {
		b.repo, b.read, b.configurations = repo, map[string]*kustomization{}, map[string][]fieldSpec{}
	}
	info, err := b.repo.stat(src.Path)
	if err != nil {
		return nil, missing(src.Path, err)
	}
	var objects []*object
	if info.IsDir() {
		objects, err = b.root(src)
		objects = slices.DeleteFunc(objects, (*object).isLocal)
	} else {
		objects, err = b.resourceFile(src.Path, nil)
	}
	if err != nil {
		return nil, err
	}
	return &build{objects: objects, notes: b.notes, hidden: b.hidden}, nil
}

// isLocal reports whether kustomize leaves the object out in the end.
func (o *object) isLocal() bool {
	value, set := o.annotations[konfig.IgnoredByKustomizeAnnotation]
	return set && value != "false" && o.relabeled == nil
}

// root builds the source's folder with the fields of the Flux Kustomization
// written over, or added to, those of its kustomization file.
func (b *builder) root(src Source) ([]*object, error) {
	k, err := b.repo.readKustomization(src.Path)
	if err != nil {
		return nil, err
	}
	generated := k == nil
	if generated {
		k = &kustomization{}
	}
	if src.TargetNamespace != "" {
		k.Namespace = src.TargetNamespace
	}
	if src.NamePrefix != "" {
		k.NamePrefix = src.NamePrefix
	}
	if src.NameSuffix != "" {
		k.NameSuffix = src.NameSuffix
	}
	for _, p := range src.Patches {
		patch := kustypes.Patch{Patch: p.Patch}
		if t := p.Target; t != nil {
			patch.Target = &kustypes.Selector{LabelSelector: t.LabelSelector, AnnotationSelector: t.AnnotationSelector}
			patch.Target.Group, patch.Target.Version, patch.Target.Kind = t.Group, t.Version, t.Kind
			patch.Target.Name, patch.Target.Namespace = t.Name, t.Namespace
		}
		k.Patches = append(k.Patches, patch)
	}
	k.Components = append(k.Components, b.componentsOf(src)...)
	var objects []*object
	if generated {
		if objects, err = b.everything(src.Path); err != nil {
			return nil, err
		}
	}
	b.configured = nil
	if objects, err = b.kustomize(src.Path, k, objects); err != nil {
		return nil, err
	}
	return objects, b.writeConfigured(k, b.configured, func(by string) bool { return by == nameReference }, objects)
}

// everything reads a folder without a kustomization file: all YAML files, and
// as a whole the folders that have one.
func (b *builder) everything(dir string) (objects []*object, err error) {
	enter := func(sub string) error {
		k, err := b.kustomization(sub)
		if k == nil && err == nil {
			return nil
		}
		if objects, err = b.folder(sub, objects, false); err != nil {
			return err
		}
		return fs.SkipDir
	}
	before := b.repo.hidden
	err = b.repo.walk(dir, enter, func(file string) error {
		if path.Base(file) == "Kustomization" {
			return nil
		}
		objects, err = b.resourceFile(file, objects)
		return err
	})
	b.hidden += b.repo.hidden - before
	return objects, err
}
