using TiKvActors.Protocol.Errorpb;

namespace TiKvActors.Protocol.Errors;

/// <summary>Which field of an <see cref="Error"/> is present.</summary>
public enum RegionErrorKind
{
    /// <summary>None that this program knows; the message is all there is.</summary>
    Unknown,
    NotLeader,
    RegionNotFound,
    KeyNotInRegion,
    EpochNotMatch,
    ServerIsBusy,
    StaleCommand,
    StoreNotMatch,
    RaftEntryTooLarge,
    MaxTimestampNotSynced,
    ReadIndexNotReady,
    ProposalInMergingMode,
    DataIsNotReady,
    RegionNotInitialized,
    DiskFull,
    RecoveryInProgress,
    FlashbackInProgress,
    FlashbackNotPrepared,
    IsWitness,
    MismatchPeerId,
    BucketVersionNotMatch,
    UndeterminedResult,
}

public static class RegionErrorKinds
{
    public static RegionErrorKind Kind(this Error error) => error switch
    {
        { NotLeader: not null } => RegionErrorKind.NotLeader,
        { RegionNotFound: not null } => RegionErrorKind.RegionNotFound,
        { KeyNotInRegion: not null } => RegionErrorKind.KeyNotInRegion,
        { EpochNotMatch: not null } => RegionErrorKind.EpochNotMatch,
        { ServerIsBusy: not null } => RegionErrorKind.ServerIsBusy,
        { StaleCommand: not null } => RegionErrorKind.StaleCommand,
        { StoreNotMatch: not null } => RegionErrorKind.StoreNotMatch,
        { RaftEntryTooLarge: not null } => RegionErrorKind.RaftEntryTooLarge,
        { MaxTimestampNotSynced: not null } => RegionErrorKind.MaxTimestampNotSynced,
        { ReadIndexNotReady: not null } => RegionErrorKind.ReadIndexNotReady,
        { ProposalInMergingMode: not null } => RegionErrorKind.ProposalInMergingMode,
        { DataIsNotReady: not null } => RegionErrorKind.DataIsNotReady,
        { RegionNotInitialized: not null } => RegionErrorKind.RegionNotInitialized,
        { DiskFull: not null } => RegionErrorKind.DiskFull,
        { RecoveryInProgress: not null } => RegionErrorKind.RecoveryInProgress,
        { FlashbackInProgress: not null } => RegionErrorKind.FlashbackInProgress,
        { FlashbackNotPrepared: not null } => RegionErrorKind.FlashbackNotPrepared,
        { IsWitness: not null } => RegionErrorKind.IsWitness,
        { MismatchPeerId: not null } => RegionErrorKind.MismatchPeerId,
        { BucketVersionNotMatch: not null } => RegionErrorKind.BucketVersionNotMatch,
        { UndeterminedResult: not null } => RegionErrorKind.UndeterminedResult,
        _ => RegionErrorKind.Unknown,
    };
}
