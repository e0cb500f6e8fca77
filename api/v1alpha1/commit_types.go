package v1alpha1

// Commit says how commits look.
type Commit struct {
	// author of the commits. Default: app-upgrade-operator.
	// +optional
	Author *CommitAuthor `json:"author,omitempty"`

	// messageTemplate is the Go template of Flux's commit messages, as in an ImageUpdateAutomation; `.Values.verb` is
	// `Upgrade`, `Roll back`, or `Withdraw` for proposals. A trailer with the batch and the old and new versions is added to it.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	MessageTemplate string `json:"messageTemplate,omitempty"`

	// signingKey signs the commits. Without it they are not signed; with it nothing is ever pushed unsigned.
	// +optional
	SigningKey *SigningKey `json:"signingKey,omitempty"`
}

// SigningKeyType is the format of a signing key.
type SigningKeyType string

const (
	// SigningKeyGPG is an OpenPGP key.
	SigningKeyGPG SigningKeyType = "gpg"
	// SigningKeySSH is an SSH key.
	SigningKeySSH SigningKeyType = "ssh"
)

// SigningKey is a key that signs commits, as in an ImageUpdateAutomation.
type SigningKey struct {
	// type of the key. Default gpg. Flux knows ssh from image-automation-controller 1.2 on; an older one finds no key, and says so.
	// +optional
	// +kubebuilder:validation:Enum=gpg;ssh
	Type SigningKeyType `json:"type,omitempty"`

	// secretRef names a Secret of the policy's namespace. For gpg: the key pair in ASCII armour under `git.asc`, and its
	// `passphrase` if it has one. For ssh: the private key under `identity`, and its `password` if it has one.
	// +required
	SecretRef LocalObjectReference `json:"secretRef"`
}

// CommitAuthor is the author of commits.
type CommitAuthor struct {
	// name of the author.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`

	// email of the author.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=256
	Email string `json:"email"`
}
