namespace Akka.Remote;

/// <summary>Goes before what already waits for the other system: a heartbeat behind megabytes would be a late one.</summary>
internal interface IUrgentMessage
{
}
