package v1alpha1

// MarkerMode says who puts markers into the repository.
type MarkerMode string

const (
	// MarkersManaged lets the operator push markers.
	MarkersManaged MarkerMode = "Managed"
	// MarkersUnmanaged makes the operator show the marker to put on the line, and never push.
	MarkersUnmanaged MarkerMode = "Unmanaged"
)

// ReformatMode says what becomes of files whose layout Flux would change.
type ReformatMode string

const (
	// ReformatAllow lets Flux change the layout of files.
	ReformatAllow ReformatMode = "Allow"
	// ReformatRefuse leaves files alone whose layout Flux would change.
	ReformatRefuse ReformatMode = "Refuse"
)

// Git overrides what is found through the targets' Flux Kustomization.
//
// +kubebuilder:validation:XValidation:rule="!has(self.path) || has(self.sourceRef)",message="git.path needs git.sourceRef"
type Git struct {
	// sourceRef names the Flux GitRepository in which the targets' versions are written. It must track a branch. One of
	// another namespace must carry the annotation `upgrades.giantswarm.io/allow-namespaces` with this namespace.
	// +optional
	SourceRef *SourceReference `json:"sourceRef,omitempty"`

	// path is the folder of the repository in which the targets are looked for. Where a Flux Kustomization applies a target from
	// this repository and branch, the version is looked for in all that it applies, with its patches, and path only says where it
	// may be written: elsewhere it is not touched. What variables are set to may stand anywhere. Default: what the Kustomization
	// applies, or the whole repository if none applies the target from there.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !self.split('/').exists(p, p == '..')",message="git.path must be relative and inside the repository"
	Path string `json:"path,omitempty"`

	// markers says who puts markers into the repository. Default Managed.
	// +optional
	// +kubebuilder:validation:Enum=Managed;Unmanaged
	Markers MarkerMode `json:"markers,omitempty"`

	// allowShared lets a line be marked that sets the version of others too, which then move with the targets: a base of several
	// overlays, a folder that several Kustomizations apply, a variable that several objects use. Default: such a line is left
	// alone, and the finding says who shares it and how the target gets a line of its own. With a GitRepository of another
	// namespace it counts for objects of the policy's namespace in this cluster; for what is of other namespaces or clusters, or
	// nobody knows whose it is, only if that GitRepository's annotation `upgrades.giantswarm.io/allow-shared` lists the policy's
	// namespace. Setting it back leaves the markers that are there. A line of several policies or waves is never marked.
	// +optional
	AllowShared bool `json:"allowShared,omitempty"`

	// reformat says whether versions are managed in files whose layout Flux changes when it first writes them: it parses a
	// file and writes all of it, so that CRLF line ends, blank lines, deeper indentation and aligned comments do not last.
	// Allow names such files in `status.targets[].note`; Refuse leaves them alone, with a finding. Default Allow.
	// +optional
	// +kubebuilder:validation:Enum=Allow;Refuse
	Reformat ReformatMode `json:"reformat,omitempty"`

	// push says to which branch versions are pushed, and with which options. Default: the branch that the GitRepository
	// tracks.
	// +optional
	Push *Push `json:"push,omitempty"`

	// commit says how the commits look: those that place markers, and Flux's that write versions.
	// +optional
	Commit *Commit `json:"commit,omitempty"`
}

// Push says how commits are pushed. A GitRepository of another namespace must grant it: its annotation
// `upgrades.giantswarm.io/allow-push-branches` must list the branch and `upgrades.giantswarm.io/allow-push-options` the keys of
// the options, separated by commas; an entry that ends with `*` allows all that begin so.
//
// +kubebuilder:validation:XValidation:rule="has(self.branch) || has(self.options)",message="git.push needs branch or options"
type Push struct {
	// branch to which Flux pushes versions instead of the one that the GitRepository tracks. Each is a proposal, and an upgrade
	// starts when you merge it; no pull request is opened for you. Windows say when a version may be proposed, not when you
	// merge it. A proposal whose version failed, is excluded or is frozen is withdrawn by a commit on the branch; while the
	// policy is suspended it stays as it is. To refuse a version, delete the branch. Flux makes the branch and pushes to it by
	// force, and the operator deletes it when it is behind and nothing on it is left to merge. So leave it to them, and to one
	// GitRepository of one cluster: one that was there before is not written. Markers are pushed to the branch that the GitRepository tracks;
	// if the server refuses that, they are pushed to the branch with that name and `-markers`, for you to merge, and so is their
	// removal. It cannot be
	// the branch that the GitRepository tracks. Default: versions are pushed to that one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_][A-Za-z0-9._/+-]*$') && !self.contains('..') && !self.contains('//') && !self.contains('/.') && !self.endsWith('/') && !self.endsWith('.') && !self.split('/').exists(p, p.endsWith('.lock'))",message="git.push.branch must be the name of a branch, of letters, digits and ._/+-, without .. and // in it and without .lock, a dot or a slash at its end"
	// +kubebuilder:validation:XValidation:rule="self != 'HEAD' && !self.startsWith('refs/')",message="git.push.branch must be the short name of a branch: not HEAD, and without refs/heads/"
	// +kubebuilder:validation:XValidation:rule="!self.endsWith('-markers')",message="git.push.branch must not end with -markers: markers are proposed on such a branch"
	Branch string `json:"branch,omitempty"`

	// options are given to the Git server with each push, Flux's and the operator's, as `git push -o` does. Policies with different
	// options have their markers pushed by different commits. A server that does not know options ignores them. They are no place
	// for secrets.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[A-Za-z0-9._-]{1,128}$'))",message="git.push.options: a key has 1 to 128 letters, digits and ._-"
	Options map[string]PushOption `json:"options,omitempty"`
}

// PushOption is the value of a push option, on one line.
//
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:Pattern="^[^[:cntrl:]]*$"
type PushOption string

// SourceReference names a Flux GitRepository.
type SourceReference struct {
	// name of the GitRepository.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// namespace of the GitRepository. Default: the policy's.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
}
