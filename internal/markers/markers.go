// Package markers finds the line of a GitOps repository that sets an object's
// version, and reads, places and removes the Flux setter marker on that line:
//
//	version: 1.4.2 # {"$imagepolicy": "org-acme:pin.app.nginx:tag"}
//
// It is pure: it reads an io/fs.FS and turns bytes into bytes. A placement
// appends the marker to one line and changes no other byte; where Flux would
// ignore a marker or damage the file it is refused with a Problem that says
// what to change.
//
// Locating (index, build, folder, patch, replace, substitute) follows
// kustomization files in kustomize's order, but merges nothing: every object
// keeps the layers that write into it, and the last layer that sets the
// version is the place. Where that is a variable of Flux, the place is what
// sets the variable (variable, manifests). Placing (document, tree, setter,
// rewrite, trial, place, remove) reads a file as Flux does and tries the marker before
// it returns it. A repository is read within fixed bounds, and links are not
// followed.
package markers

import (
	"strings"

	"github.com/fluxcd/pkg/apis/kustomize"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

// Ref names the pin, an ImagePolicy, that a marker refers to.
type Ref struct{ Namespace, Policy string }

// String returns the text that stands in a marker, `namespace:policy:tag`.
func (r Ref) String() string { return r.Namespace + ":" + r.Policy + ":" + SuffixTag }

// SuffixTag is the marker suffix that makes Flux write the tag alone.
const SuffixTag = "tag"

// Target is the object whose version is wanted, by its identity in the
// cluster, and the path of its version inside the object. Group and kind are
// compared; the API version is not.
type Target struct {
	APIVersion, Kind, Namespace, Name string
	// Field is the path of the version, for example spec, version.
	Field []string
}

// String names the object for messages: Kind namespace/name.
func (t Target) String() string {
	if t.Namespace == "" {
		return t.Kind + " " + t.Name
	}
	return t.Kind + " " + t.Namespace + "/" + t.Name
}

func (t Target) kind() groupKind {
	group, _ := resid.ParseGroupVersion(t.APIVersion)
	return groupKind{group: group, kind: t.Kind}
}

func (t Target) field() string { return strings.Join(t.Field, ".") }

// Source is where a Flux Kustomization (or an explicit git setting) looks.
type Source struct {
	// Path is the slash path of a folder, or of one file, in the repository;
	// "" and "." are its root. A leading "./" is accepted.
	Path string
	// Kustomization is the Flux Kustomization, zero if there is none.
	Kustomization FluxKustomization
	// Substitute and SubstituteFrom are those of the Kustomization's postBuild.
	Substitute     map[string]string
	SubstituteFrom []Reference
	// SubstituteAlways is set if Flux replaces variables although there are
	// none (spec.postBuild.substituteStrategy).
	SubstituteAlways bool
	// TargetNamespace overrides every object's namespace, as in Flux.
	TargetNamespace string
	// NamePrefix, NameSuffix, Patches and Components are those of the Flux
	// Kustomization. A version that Patches set is not written in a file of
	// ours, so it is NotMarkable.
	NamePrefix, NameSuffix string
	Patches                []kustomize.Patch
	Components             []string
	// IgnoreMissingComponents leaves out those that do not exist.
	IgnoreMissingComponents bool
	// Ignore is spec.ignore of the GitRepository that the Kustomization applies
	// from. What that and .sourceignore files hide is not looked at.
	Ignore string
	// Remote is set if the Kustomization applies to another cluster
	// (spec.kubeConfig).
	Remote bool
	// Elsewhere is set for a Kustomization of the cluster that applies from
	// another source than this repository. It may take variables from what
	// the repository gives the cluster.
	Elsewhere bool
}

// FluxKustomization is a Kustomization of Flux.
type FluxKustomization struct {
	Namespace, Name string
	// Path is its own spec.path, whatever that of the Source is.
	Path string
	// SourceRef is what it is applied from, `kind/name`.
	SourceRef string
}

// String is `Kustomization namespace/name`.
func (k FluxKustomization) String() string { return "Kustomization " + k.Namespace + "/" + k.Name }

// Reference names a ConfigMap or Secret of postBuild.substituteFrom, in the
// namespace of the Kustomization.
type Reference struct{ Kind, Name string }

// Location is the place where a version is written.
type Location struct {
	// File is the slash path from the repository's root.
	File string
	// Document counts the documents of the file from 0.
	Document int
	// Line and Column are 1-based; Column counts characters.
	Line, Column int
	// Value is the decoded scalar.
	Value string
	// Variable is the one of postBuild that is set there, empty if the
	// version itself is.
	Variable string
	// Marker is the marker that stands on the line, nil if there is none.
	Marker *Found
}

// Found is a marker in a file, as Flux sees it.
type Found struct {
	File string
	Line int
	Ref  Ref
	// Suffix is what follows the policy: "tag", "name", "digest" or "" for
	// the whole image reference.
	Suffix string
	// Value is the decoded scalar that the marker stands at.
	Value string
	// Raw is the comment as written, from its '#'.
	Raw string
}
