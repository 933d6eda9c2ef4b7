namespace Hyperion;

/// <summary>The field is not written, and has its type's default value in what is read.</summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class IgnoreAttribute : Attribute;
