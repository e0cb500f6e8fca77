package v1alpha1

// Annotations and the finalizer.
const (
	// Finalizer lets the operator remove markers before a policy goes.
	Finalizer = "upgrades.giantswarm.io/finalizer"
	// AllowNamespacesAnnotation on a GitRepository lists, separated by commas, the other namespaces whose policies may
	// use it.
	AllowNamespacesAnnotation = "upgrades.giantswarm.io/allow-namespaces"
	// ReconcileRequestAnnotation asks for a fresh look, as on every Flux object.
	ReconcileRequestAnnotation = "reconcile.fluxcd.io/requestedAt"
)

// Condition types. Ready, Reconciling and Stalled follow kstatus; the last two are present only when true.
const (
	ReadyCondition          = "Ready"
	ReconcilingCondition    = "Reconciling"
	StalledCondition        = "Stalled"
	ObjectsAppliedCondition = "ObjectsApplied"
	MarkersPlacedCondition  = "MarkersPlaced"
	UpToDateCondition       = "UpToDate"
)

// Reasons of conditions.
const (
	SucceededReason   = "Succeeded"
	ProgressingReason = "Progressing"
	FindingsReason    = "Findings"
	// InvalidSpecReason: the spec cannot work, whatever happens around it.
	InvalidSpecReason = "InvalidSpec"
	// ScanPendingReason: Flux has not scanned the chart's repository yet.
	ScanPendingReason = "ScanPending"
	// ScanFailedReason: Flux cannot scan the chart's repository.
	ScanFailedReason = "ScanFailed"
	// NoCandidateReason: no version in the registry satisfies the range.
	NoCandidateReason = "NoCandidate"
	// NoTargetsReason: nothing is selected.
	NoTargetsReason = "NoTargets"
	// FluxMissingReason: Flux's custom resource definitions are not installed.
	FluxMissingReason = "FluxMissing"
	// ForeignObjectReason: an object that the operator did not make has the name that it needs.
	ForeignObjectReason = "ForeignObject"
	// UpgradingReason: some targets are on their way.
	UpgradingReason = "Upgrading"
	// HeldReason: a newer version is held.
	HeldReason = "Held"
)

// Reasons that hold a version or a target. Design: the words that users see in `held` and in findings.
const (
	SuspendedReason         = "Suspended"
	NotNewerReason          = "NotNewer"
	ManualHoldReason        = "ManualHold"
	TagMissingReason        = "TagMissing"
	MarkerMissingReason     = "MarkerMissing"
	MarkerCopiedReason      = "MarkerCopied"
	MarkerIneffectiveReason = "MarkerIneffective"
	ForeignAutomationReason = "ForeignAutomation"
)

// Reasons of findings about a target that cannot be managed as things are.
const (
	// AppMissingReason: no such App.
	AppMissingReason = "AppMissing"
	// CatalogMissingReason: the App's Catalog does not exist.
	CatalogMissingReason = "CatalogMissing"
	// CatalogNotOCIReason: the Catalog offers no OCI repository.
	CatalogNotOCIReason = "CatalogNotOCI"
	// ChartsDifferReason: the targets of one policy have different charts.
	ChartsDifferReason = "ChartsDiffer"
	// VersionFromValuesReason: the version comes from the App's values.
	VersionFromValuesReason = "VersionFromValues"
	// VersionUnsupportedReason: the version is empty, no semantic version, or has build metadata.
	VersionUnsupportedReason = "VersionUnsupported"
	// KustomizationMissingReason: the App names no Flux Kustomization, or one that does not exist.
	KustomizationMissingReason = "KustomizationMissing"
	// KustomizationUnprovenReason: the Kustomization's inventory does not contain the target.
	KustomizationUnprovenReason = "KustomizationUnproven"
	// SourceUnsupportedReason: the source is no GitRepository that tracks a branch.
	SourceUnsupportedReason = "SourceUnsupported"
	// SourceMissingReason: the GitRepository does not exist.
	SourceMissingReason = "SourceMissing"
	// SourceForbiddenReason: the GitRepository is of another namespace and not granted to this one.
	SourceForbiddenReason = "SourceForbidden"
	// PolicyConflictReason: another policy selects the target.
	PolicyConflictReason = "PolicyConflict"
	// LineSharedReason: targets of different policies have their version on one line.
	LineSharedReason = "LineShared"
	// MarkerUnmanagedReason: the marker is to be put in by a human.
	MarkerUnmanagedReason = "MarkerUnmanaged"
	// GitUnreadableReason: the repository cannot be read.
	GitUnreadableReason = "GitUnreadable"
	// GitUnwritableReason: a push was refused.
	GitUnwritableReason = "GitUnwritable"
	// UpdateFailedReason: Flux's automation cannot write the version.
	UpdateFailedReason = "UpdateFailed"
	// AutomationSuspendedReason: somebody suspended the ImageUpdateAutomation.
	AutomationSuspendedReason = "AutomationSuspended"
	// MarkerLeftReason: a marker could not be removed in time.
	MarkerLeftReason = "MarkerLeft"
)
