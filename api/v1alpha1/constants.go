package v1alpha1

// Annotations and the finalizer.
const (
	// Finalizer lets the operator remove markers before a policy goes.
	Finalizer = "upgrades.giantswarm.io/finalizer"
	// AllowNamespacesAnnotation on a GitRepository lists, separated by commas, the other namespaces whose policies may
	// use it.
	AllowNamespacesAnnotation = "upgrades.giantswarm.io/allow-namespaces"
	// AllowPushBranchesAnnotation on a GitRepository lists, separated by commas, the branches that policies of those other
	// namespaces may name in git.push.branch. An entry that ends with `*` allows every branch that begins so. Without the
	// annotation they may name none.
	AllowPushBranchesAnnotation = "upgrades.giantswarm.io/allow-push-branches"
	// AllowPushOptionsAnnotation on a GitRepository lists the keys that they may use in git.push.options, in the same way.
	AllowPushOptionsAnnotation = "upgrades.giantswarm.io/allow-push-options"
	// AllowSharedAnnotation on a GitRepository lists, separated by commas, those of these namespaces whose git.allowShared counts
	// also for objects of other namespaces and clusters.
	AllowSharedAnnotation = "upgrades.giantswarm.io/allow-shared"
	// ReconcileRequestAnnotation asks for a fresh look, as on every Flux object.
	ReconcileRequestAnnotation = "reconcile.fluxcd.io/requestedAt"
	// ApproveAnnotation approves one version for one wave, `[<wave>=]<version>`. It is only read, never edited: what was
	// handled is in the status.
	ApproveAnnotation = "upgrades.giantswarm.io/approve"
	// ResumeAnnotation is a token of the user's choice. A new one unblocks versions, ends what humans hold, and lets
	// deleted markers be put back. It is only read, never edited.
	ResumeAnnotation = "upgrades.giantswarm.io/resume"
	// AdoptAnnotation on a hand-made ImagePolicy, with the value `true`, lets a policy of the same chart put its own marker in
	// the place of those that name this ImagePolicy. It is only read, never edited.
	AdoptAnnotation = "upgrades.giantswarm.io/adopt"
)

// Condition types. Ready, Reconciling and Stalled follow kstatus; the last two are present only when true.
const (
	ReadyCondition          = "Ready"
	ReconcilingCondition    = "Reconciling"
	StalledCondition        = "Stalled"
	ObjectsAppliedCondition = "ObjectsApplied"
	MarkersPlacedCondition  = "MarkersPlaced"
	UpToDateCondition       = "UpToDate"
	// RolloutValidCondition: waves, schedules, checks and annotations are ones that can work.
	RolloutValidCondition = "RolloutValid"
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
	// OutsideWindowReason: no window is open.
	OutsideWindowReason = "OutsideWindow"
	// FrozenReason: an exclusion covers this time.
	FrozenReason = "Frozen"
	// TooYoungReason: the version was seen too short a time ago.
	TooYoungReason = "TooYoung"
	// AwaitingApprovalReason: a human must approve the version.
	AwaitingApprovalReason = "AwaitingApproval"
	// AwaitingMergeReason: the version is proposed on git.push.branch, or the markers on a branch of theirs, and a human must
	// merge it.
	AwaitingMergeReason = "AwaitingMerge"
	// SoakingReason: the version is not proven in the wave before, or another one soaks in this wave.
	SoakingReason = "Soaking"
	// UpgradeRunningReason: the wave is on its way to another version.
	UpgradeRunningReason = "UpgradeRunning"
	// DependencyNotReadyReason: a policy of dependsOn is not healthy, at rest and in its range.
	DependencyNotReadyReason = "DependencyNotReady"
	// WouldSkipReason: the version is more than one step ahead.
	WouldSkipReason = "WouldSkip"
	// BlockedReason: the version failed, or a rollback did.
	BlockedReason = "Blocked"
	// NotAppliedReason: the version is in Git, and the cluster does not get it.
	NotAppliedReason = "NotApplied"
)

// Reasons of findings about a target that cannot be managed as things are.
const (
	// TargetMissingReason: no such target.
	TargetMissingReason = "TargetMissing"
	// CatalogMissingReason: the App's Catalog does not exist.
	CatalogMissingReason = "CatalogMissing"
	// CatalogNotOCIReason: the Catalog offers no OCI repository.
	CatalogNotOCIReason = "CatalogNotOCI"
	// ChartSourceMissingReason: the HelmRepository or OCIRepository with the HelmRelease's chart does not exist.
	ChartSourceMissingReason = "ChartSourceMissing"
	// ChartSourceUnsupportedReason: the HelmRelease has its chart from where no version of it can be managed.
	ChartSourceUnsupportedReason = "ChartSourceUnsupported"
	// ChartsDifferReason: the targets of one policy have different charts.
	ChartsDifferReason = "ChartsDiffer"
	// VersionFromValuesReason: the version comes from the App's values.
	VersionFromValuesReason = "VersionFromValues"
	// VersionUnsupportedReason: the version is empty, no semantic version, or has build metadata.
	VersionUnsupportedReason = "VersionUnsupported"
	// KustomizationMissingReason: the target names no Flux Kustomization, or one that does not exist.
	KustomizationMissingReason = "KustomizationMissing"
	// KustomizationUnprovenReason: the Kustomization's inventory does not contain the target.
	KustomizationUnprovenReason = "KustomizationUnproven"
	// SourceUnsupportedReason: the source is no GitRepository that tracks a branch, or it takes signed commits only.
	SourceUnsupportedReason = "SourceUnsupported"
	// SourceMissingReason: the GitRepository does not exist.
	SourceMissingReason = "SourceMissing"
	// SourceForbiddenReason: the GitRepository is of another namespace and not granted to this one.
	SourceForbiddenReason = "SourceForbidden"
	// PushForbiddenReason: git.push names the branch that the GitRepository tracks, or what a GitRepository of another namespace
	// does not grant.
	PushForbiddenReason = "PushForbidden"
	// PolicyConflictReason: another policy selects the target.
	PolicyConflictReason = "PolicyConflict"
	// LineSharedReason: targets of different policies, or objects that are no targets, have their version on one line.
	LineSharedReason = "LineShared"
	// MarkerUnmanagedReason: the marker is to be put in by a human.
	MarkerUnmanagedReason = "MarkerUnmanaged"
	// VersionDiffersReason: the line that was found for a target has another version than the target has in the cluster.
	VersionDiffersReason = "VersionDiffers"
	// WouldReformatReason: Flux would change the layout of the file, which git.reformat refuses.
	WouldReformatReason = "WouldReformat"
	// GitUnreadableReason: the repository cannot be read.
	GitUnreadableReason = "GitUnreadable"
	// GitUnwritableReason: a push was refused.
	GitUnwritableReason = "GitUnwritable"
	// StaleBranchReason: git.push.branch has another version on the target's line, or no marker.
	StaleBranchReason = "StaleBranch"
	// UpdateFailedReason: Flux's automation cannot write the version.
	UpdateFailedReason = "UpdateFailed"
	// AutomationSuspendedReason: somebody suspended the ImageUpdateAutomation.
	AutomationSuspendedReason = "AutomationSuspended"
	// MarkerLeftReason: a marker could not be removed in time.
	MarkerLeftReason = "MarkerLeft"
	// ProposalLeftReason: what was proposed for a target that is given up stays on the push branch.
	ProposalLeftReason = "ProposalLeft"
	// NoWaveReason: no wave selects the target.
	NoWaveReason = "NoWave"
	// SeveralWavesReason: more than one wave selects the target, or its line is shared with a target of another wave.
	SeveralWavesReason = "SeveralWaves"
	// UpgradeFailedReason: the version that the target was given is not healthy.
	UpgradeFailedReason = "UpgradeFailed"
	// RollbackFailedReason: the version that the target was taken back to is not healthy.
	RollbackFailedReason = "RollbackFailed"
)

// Reasons of the condition RolloutValid, and of a policy that stalls because of its rollout.
const (
	// WaveEmptyReason: a wave has no targets, so no later wave ever takes a version.
	WaveEmptyReason = "WaveEmpty"
	// ScheduleNeverOpensReason: no time will come at which an upgrade may start.
	ScheduleNeverOpensReason = "ScheduleNeverOpens"
	// ApprovalUnknownReason: the approval names a wave or version that is not on offer.
	ApprovalUnknownReason = "ApprovalUnknown"
	// CheckUnreadableReason: an object of health.checks cannot be read.
	CheckUnreadableReason = "CheckUnreadable"
	// DependencyCycleReason: policies depend on each other in a circle.
	DependencyCycleReason = "DependencyCycle"
)

// Results of an upgrade in status.history.
const (
	// ResultSucceeded: every judged target became healthy.
	ResultSucceeded = "Succeeded"
	// ResultFailed: a target did not become healthy in time.
	ResultFailed = "Failed"
	// ResultOverridden: a human committed another version meanwhile.
	ResultOverridden = "Overridden"
	// ResultUnjudged: the targets were unhealthy, paused, cordoned or on their way out at the start.
	ResultUnjudged = "Unjudged"
	// ResultWithdrawn: it was taken back before Git had it.
	ResultWithdrawn = "Withdrawn"
)
